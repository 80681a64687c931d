import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { QueueOf } from '../../shared/queues/index.ts';
import type { NewMessage } from './outbox.ts';
import { releaseParked } from './parked.ts';
import type { Committed, UnitOfWorkDeps } from './unit-of-work.ts';

/** Does what is left to be done once a unit of work has committed. */
export type Follow = (committed: Committed) => Promise<void>;

/**
 * Sends the messages of a commit and queues the events that were waiting for it. None of that may fail what has
 * committed: the sweep does it again from the database when Redis forgot or was away.
 * @param deps.send takes messages over: to the gateway, or to the queue for it
 */
export function createFollow(
  deps: Pick<UnitOfWorkDeps, 'orm'> & {
    events: QueueOf<'stripe-events'>;
    maintenance: QueueOf<'maintenance'>;
    send: (messages: readonly NewMessage[]) => Promise<void>;
    logger: Logger;
  },
): Follow {
  return async ({ messages, appeared, endsToConfirm }) => {
    try {
      await deps.send(messages);
      await releaseParked(deps, appeared);
      await confirmEnds(deps.maintenance, endsToConfirm);
    } catch (thrown) {
      deps.logger.warn({ err: toError(thrown) }, 'Could not queue what follows a commit; the sweep will');
    }
  };
}

/** Has Stripe asked whether these users' premium is over; several events of one end make one question. */
export async function confirmEnds(
  maintenance: QueueOf<'maintenance'>,
  userIds: readonly number[],
): Promise<void> {
  if (userIds.length === 0) return;
  await maintenance.addBulk(
    userIds.map((userId) => ({
      name: 'confirm-end',
      data: { task: 'confirm-end', userId } as const,
      opts: { jobId: `confirm-end-${userId}`, removeOnComplete: true, removeOnFail: true },
    })),
  );
}
