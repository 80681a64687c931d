import type { MikroORM } from '@mikro-orm/postgresql';
import type { Clock } from '../../shared/clock.ts';
import { DAY, MINUTE, SECOND } from '../../shared/duration.ts';
import type { Logger } from '../../shared/logger.ts';
import type { QueueOf } from '../../shared/queues/index.ts';
import { queueMessages } from '../events/outbox.ts';
import { enqueueStored, type StoredEvent } from '../events/parked.ts';

export type SweepDeps = {
  orm: MikroORM;
  events: QueueOf<'stripe-events'>;
  notifications: QueueOf<'notifications'>;
  clock: Clock;
  logger: Logger;
};

/** Rows one sweep takes at most; the next goes on. */
const MOST_AT_ONCE = 1_000;
/** Younger rows are still on their ordinary way. */
const STORED_AFTER_MS = 10 * SECOND;
const FAILED_AFTER_MS = 10 * MINUTE;
const UNDELIVERED_AFTER_MS = 30 * SECOND;

/**
 * Puts back on the queues what PostgreSQL knows and Redis may have forgotten: events stored while Redis was away,
 * parked events whose customer is known by now, and messages that no gateway has taken yet.
 */
export async function sweep(deps: SweepDeps): Promise<void> {
  const stored = await storedEvents(deps);
  await enqueueStored(deps.events, stored);
  const messages = await undeliveredMessages(deps);
  await queueMessages(deps.notifications, messages);
  // Attempts are for minutes of trouble. After hours of it every sweep is one more attempt.
  await deps.notifications.retryJobs({ state: 'failed', timestamp: deps.clock.now().getTime() });
  if (stored.length + messages.length > 0) {
    deps.logger.info(
      { events: stored.length, messages: messages.length },
      `Swept ${stored.length} events and ${messages.length} messages back onto the queues`,
    );
  }
}

function storedEvents({ orm, clock }: SweepDeps): Promise<StoredEvent[]> {
  const now = clock.now().getTime();
  return orm.em.fork().execute<StoredEvent[]>(
    `select stripe_event_id, event_type, data from webhook_events
     where not processed and data is not null and created_at > ?::timestamptz at time zone 'UTC'
       and created_at < ?::timestamptz at time zone 'UTC'
       and (waiting_for is null
         or exists (select 1 from customers where stripe_customer_id = waiting_for and user_id is not null))
       and (error_message is null or waiting_for is not null
         or created_at < ?::timestamptz at time zone 'UTC')
     order by created_at limit ${MOST_AT_ONCE}`,
    [
      new Date(now - 30 * DAY).toISOString(),
      new Date(now - STORED_AFTER_MS).toISOString(),
      new Date(now - FAILED_AFTER_MS).toISOString(),
    ],
  );
}

async function undeliveredMessages({ orm, clock }: SweepDeps) {
  const rows = await orm.em
    .fork()
    .execute<{ id: string | number; type: string; user_id: number; data: Record<string, unknown> }[]>(
      `select id, type, user_id, data from outbox_messages
     where delivered_at is null and created_at < ?::timestamptz at time zone 'UTC'
     order by id limit ${MOST_AT_ONCE}`,
      [new Date(clock.now().getTime() - UNDELIVERED_AFTER_MS).toISOString()],
    );
  return rows.map((row) => ({
    outboxId: Number(row.id),
    type: row.type,
    userId: row.user_id,
    data: row.data,
    correlationId: `outbox-${row.id}`,
  }));
}
