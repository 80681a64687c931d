import { DAY, MINUTE, SECOND } from '../../../shared/duration.ts';
import { enqueueStored, type StoredEvent } from '../../events/parked.ts';
import type { SweepDeps } from './sweep.ts';

/** Rows one sweep takes at most; the next goes on. */
const MOST_AT_ONCE = 1_000;
/** Younger rows are still on their ordinary way. */
const STORED_AFTER_MS = 10 * SECOND;
const FAILED_AFTER_MS = 10 * MINUTE;
const GIVEN_UP_AFTER_MS = 30 * DAY;

/**
 * Enqueues events that only PostgreSQL holds: stored while Redis was away, failed long enough ago for their job to
 * be gone, or parked for a customer who has a user by now (or whose address a user has verified since). Rows of the old service hold parts of an event only;
 * `reconcile` asks Stripe for those.
 */
export async function sweepStoredEvents({ orm, events, clock }: SweepDeps): Promise<number> {
  const now = clock.now().getTime();
  const stored = await orm.em.fork().execute<StoredEvent[]>(
    `select stripe_event_id, event_type, data from webhook_events
     where not processed and outcome is null and data->>'object' = 'event'
       and created_at > ? and created_at < ?
       and case
         when waiting_for is not null then exists (
           select 1 from customers where stripe_customer_id = waiting_for and user_id is not null
           union all select 1 from payments where stripe_payment_intent_id = waiting_for
           union all select 1 from users where email_verified and lower(email) = lower(coalesce(
             data #>> '{data,object,customer_details,email}', data #>> '{data,object,customer_email}')))
         else error_message is null or created_at < ?
       end
     order by created_at limit ${MOST_AT_ONCE}`,
    [now - GIVEN_UP_AFTER_MS, now - STORED_AFTER_MS, now - FAILED_AFTER_MS].map((time) =>
      new Date(time).toISOString(),
    ),
  );
  await enqueueStored(events, stored);
  return stored.length;
}
