import type { MikroORM } from '@mikro-orm/postgresql';
import { eventJobId, type QueueOf } from '../../shared/queues/index.ts';

/** A row of `webhook_events` on its way back into the queue. */
export type StoredEvent = { stripe_event_id: string; event_type: string; data: unknown };

/** Enqueues the parked events that were waiting for any of these keys. */
export async function releaseParked(
  { orm, events }: { orm: MikroORM; events: QueueOf<'stripe-events'> },
  appeared: readonly string[],
): Promise<void> {
  if (appeared.length === 0) return;
  const parked = await orm.em.fork().execute<StoredEvent[]>(
    `select stripe_event_id, event_type, data from webhook_events
     where waiting_for in (select json_array_elements_text(?::json)) and not processed and data is not null
     order by stripe_created_at, id`,
    [JSON.stringify(appeared)],
  );
  await enqueue(events, parked, { suffix: `released-${Date.now().toString(36)}` });
}

/**
 * Enqueues events that only PostgreSQL holds. Their job id is one per event, so that sweeping again before they are
 * applied adds nothing. A job is not kept once it is done: it may have parked its event, which is to be enqueued again
 * when what it waits for is known.
 */
export function enqueueStored(
  events: QueueOf<'stripe-events'>,
  stored: readonly StoredEvent[],
): Promise<void> {
  return enqueue(events, stored, { suffix: 'stored', removeOnComplete: true });
}

/**
 * The event's own id is not used: a kept job of the first try would swallow the new one. Applying an event twice is
 * harmless, the unique key in PostgreSQL decides.
 */
async function enqueue(
  events: QueueOf<'stripe-events'>,
  stored: readonly StoredEvent[],
  { suffix, ...options }: { suffix: string; removeOnComplete?: true },
): Promise<void> {
  if (stored.length === 0) return;
  await events.addBulk(
    stored.map(({ stripe_event_id: eventId, event_type: type, data }) => ({
      name: type,
      data: {
        eventId,
        payload: typeof data === 'string' ? data : JSON.stringify(data),
        correlationId: eventId,
      },
      opts: { jobId: eventJobId(`${eventId}-${suffix}`), ...options },
    })),
  );
}
