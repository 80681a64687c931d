import { SECOND } from '../../../shared/duration.ts';
import { queueMessages } from '../../events/outbox.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 1_000;
/** By then whoever wrote them has delivered them, queued them, or died. */
const UNDELIVERED_AFTER_MS = 10 * SECOND;

/** Queues outbox messages that no gateway has taken. A message whose job is still there is not doubled. */
export async function sweepUndeliveredMessages({ orm, notifications, clock }: SweepDeps): Promise<number> {
  const rows = await orm.em
    .fork()
    .execute<
      { id: string | number; fact: string; type: string; user_id: number; data: Record<string, unknown> }[]
    >(
      `select id, fact, type, user_id, data from outbox_messages
     where delivered_at is null and created_at < ?
     order by id limit ${MOST_AT_ONCE}`,
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
      correlationId: `outbox-${row.id}`,
    })),
  );
  return rows.length;
}
