import { SECOND } from '../../../shared/duration.ts';
import { jobIdOf, queueMessages } from '../../events/outbox.ts';
import type { SweepDeps } from './sweep.ts';

/** More than a gateway that limits takes in a minute: older ones that nobody has in hand come when these are told. */
const MOST_AT_ONCE = 10_000;
/** By then whoever wrote them has delivered them, queued them, or died. */
const UNDELIVERED_AFTER_MS = 10 * SECOND;

/**
 * Queues outbox messages that no gateway has taken, the newest first and behind those that wait already. A message
 * whose job is still there is not doubled.
 */
export async function sweepUndeliveredMessages({ orm, notifications, clock }: SweepDeps): Promise<number> {
  const rows = await orm.em
    .fork()
    .execute<
      { id: string | number; fact: string; type: string; user_id: number; data: Record<string, unknown> }[]
    >(
      `select id, fact, type, user_id, data from outbox_messages
     where delivered_at is null and created_at < ?
     order by id desc limit ${MOST_AT_ONCE}`,
      [new Date(clock.now().getTime() - UNDELIVERED_AFTER_MS).toISOString()],
    );
  await queueMessages(
    notifications,
    rows.map((row) => ({
      outboxId: Number(row.id),
      fact: row.fact,
      type: row.type,
      userId: row.user_id,
      data: row.data,
      correlationId: jobIdOf(Number(row.id)),
    })),
    'last',
  );
  return rows.length;
}
