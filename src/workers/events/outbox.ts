import type { Transaction } from '../../shared/database/index.ts';
import type { NotificationJob, QueueOf } from '../../shared/queues/index.ts';
import type { TracePlace } from '../../shared/tracing/index.ts';
import type { Announcement } from './ledger/index.ts';

/** An announcement and the event it came from. */
type Caused = Announcement & { correlationId: string };

/** An outbox row that this transaction wrote, ready to be queued once it has committed. */
export type NewMessage = Caused & {
  outboxId: number;
  /** Whether an older message of its user was not yet noted as delivered when this one was written. */
  isBehind: boolean;
  /** When Stripe made the event, in Unix milliseconds. */
  causedAt?: number;
  /** Where its delivery belongs in the event's trace. */
  trace?: TracePlace;
};

/**
 * Writes announcements into the outbox. A fact that was announced before, by whatever event, is left out: the unique
 * key decides.
 * @param silent notes them as announced without telling anybody
 * @returns the ones that are new, to be asked for once the transaction has committed
 */
export function writeOutbox(
  transaction: Transaction,
  announcements: readonly Caused[],
  now: Date,
  silent: boolean,
): () => NewMessage[] {
  const written = new Map<string, Pick<NewMessage, 'outboxId' | 'isBehind'>>();
  if (announcements.length === 0) return () => [];
  transaction.tell<{ id: string | number; fact: string; is_behind: boolean }>(
    // What the function writes, the look at older ones does not see.
    `select written.id, written.fact, exists (select from outbox_messages as older
         where older.user_id = given.user_id and older.delivered_at is null) as is_behind
       from write_outbox_v1($1, $2, $3) as written
       join json_to_recordset($1) as given(fact text, user_id int) on given.fact = written.fact`,
    [
      JSON.stringify(
        // In one order for everybody: two transactions that announce the same facts must not wait in a circle.
        [...announcements]
          .sort((a, b) => (a.fact < b.fact ? -1 : 1))
          .map(({ fact, userId, type, data }) => ({ fact, user_id: userId, type, data })),
      ),
      now.toISOString(),
      silent,
    ],
    (inserted) => {
      for (const { id, fact, is_behind: isBehind } of inserted) {
        written.set(fact, { outboxId: Number(id), isBehind });
      }
    },
  );
  return () =>
    announcements.flatMap((announcement) => {
      const row = written.get(announcement.fact);
      return row === undefined ? [] : [{ ...announcement, ...row }];
    });
}

/** The id of a message's job: queueing it twice is harmless. @param outboxId of its row */
export function jobIdOf(outboxId: number): string {
  return `outbox-${outboxId}`;
}

/**
 * Hands outbox messages to the `notifications` queue.
 * @param place `first` for news: while many wait, whoever has just bought hears first. `last` for what is found late
 */
export async function queueMessages(
  notifications: QueueOf<'notifications'>,
  messages: readonly (NotificationJob & Pick<NewMessage, 'trace'>)[],
  place: 'first' | 'last' = 'first',
): Promise<void> {
  if (messages.length === 0) return;
  await notifications.addBulk(
    messages.map(({ outboxId, fact, type, userId, data, correlationId, causedAt, trace }) => ({
      name: type,
      data: { outboxId, fact, type, userId, data, correlationId, causedAt },
      opts: {
        jobId: jobIdOf(outboxId),
        lifo: place === 'first',
        ...(trace ? { telemetry: { metadata: trace } } : {}),
      },
    })),
  );
}
