import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../rig/redis.ts';
import { customersOf, Mix, wholePurchases } from '../events/mix.ts';
import { addUsers, type House } from '../house.ts';

/** How much there is before anything is measured. */
export type Size = { readonly events: number; readonly payments: number; readonly jobs: number };

/** What the issue asks for, times a scale. */
export function sizeOf(scale: number): Size {
  return {
    events: Math.round(2_000_000 * scale),
    payments: Math.round(500_000 * scale),
    jobs: Math.round(200_000 * scale),
  };
}

const PAYMENTS_A_USER = 10;
/** Share of events that are younger than the retention, and so still have their payload. */
const WITH_PAYLOAD = 0.1;
const CHUNK = 100_000;
const JOBS_AT_ONCE = 1_000;

/** Fills a database as years would: users, subscriptions, payments, links, messages, events. */
export async function growDatabase(house: House, database: string, size: Size): Promise<void> {
  const { databases } = house.postgres;
  const query = (text: string, values?: readonly unknown[]) => databases.query(database, text, values);
  const users = Math.max(1, Math.round(size.payments / PAYMENTS_A_USER));
  await query(`set synchronous_commit = off`);
  const first = await addUsers(house, database, 'OLD', users);
  await query(
    `insert into subscriptions (user_id, stripe_subscription_id, stripe_customer_id, plan_type, status, stripe_status,
       current_period_start, current_period_end, paid_until, created_at)
     select $1 + n, 'sub_OLDx' || n, 'cus_OLDx' || n, 'mensuel', 'active', 'active', at, at + interval '1 month',
       at + interval '1 month', at
     from generate_series(0, $2 - 1) as n, lateral (select timezone('utc', now()) - n % 28 * interval '1 day' as at) as t`,
    [first, users],
  );
  const payload = new Mix(house.templates, 'OLD', first, house.templates.length).at(2).body;
  for (let from = 0; from < size.payments; from += CHUNK) {
    const range = [from, Math.min(from + CHUNK, size.payments) - 1, users];
    await query(
      `insert into payments (user_id, subscription_id, stripe_payment_intent_id, stripe_invoice_id, amount, status,
         intent_status, invoice_status, stripe_customer_id, stripe_subscription_id, stripe_charge_id, created_at)
       select s.user_id, s.id, 'pi_OLDx' || n, 'in_OLDx' || n, 999, 'succeeded', 'succeeded', 'paid',
         s.stripe_customer_id, s.stripe_subscription_id, 'ch_OLDx' || n, timezone('utc', now()) - n / $3 * interval '1 month'
       from generate_series($1::int, $2::int) as n
       join subscriptions s on s.stripe_subscription_id = 'sub_OLDx' || n % $3`,
      range,
    );
    await query(
      `insert into invoice_payments (stripe_invoice_id, stripe_payment_intent_id)
       select 'in_OLDx' || n, 'pi_OLDx' || n from generate_series($1::int, $2::int) as n`,
      range.slice(0, 2),
    );
    await query(
      `insert into outbox_messages (fact, user_id, type, data, created_at, delivered_at)
       select 'payment_succeeded:in_OLDx' || n, $4 + n % $3, 'payment_succeeded',
         jsonb_build_object('message', 'Paiement effectué avec succès!', 'amount', 9.99, 'currency', 'eur', 'invoice_id', 'in_OLDx' || n),
         at, at
       from generate_series($1::int, $2::int) as n,
         lateral (select timezone('utc', now()) - n / $3 * interval '1 month' as at) as t`,
      [...range, first],
    );
  }
  for (let from = 0; from < size.events; from += CHUNK) {
    await query(
      `insert into webhook_events (stripe_event_id, event_type, processed, processed_at, outcome, data, created_at,
         stripe_created_at, livemode)
       select 'evt_OLDx' || n, (array['invoice.paid', 'customer.subscription.updated', 'payment_intent.succeeded'])[1 + n % 3],
         true, at, 'applied', case when n < $3 * $4::float then $5::jsonb end, at, at, false
       from generate_series($1::int, $2::int) as n,
         lateral (select timezone('utc', now()) - n::float / $3 * interval '900 days' as at) as t`,
      [from, Math.min(from + CHUNK, size.events) - 1, size.events, WITH_PAYLOAD, payload],
    );
  }
  await query('vacuum analyze');
}

/** Puts jobs of events that nobody has seen before into the queue, behind each other. @returns how many */
export async function growQueue(
  house: House,
  database: string,
  redis: RedisServer,
  jobs: number,
): Promise<number> {
  const kinds = house.templates.length;
  const count = wholePurchases(jobs, kinds);
  const stream = house.nextStream();
  const firstUser = await addUsers(house, database, stream, customersOf(count, kinds));
  const mix = new Mix(house.templates, stream, firstUser, count);
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue('stripe-events', { connection, prefix: `{${database}}` });
  for (let from = 0; from < count; from += JOBS_AT_ONCE) {
    const length = Math.min(JOBS_AT_ONCE, count - from);
    await queue.addBulk(
      Array.from({ length }, (_, i) => {
        const { id, type, body } = mix.at(from + i);
        const opts = { jobId: id, attempts: 150, backoff: { type: 'capped-exponential' } };
        const kept = { removeOnComplete: { age: 3_600, count: 5_000 }, removeOnFail: { count: 50_000 } };
        return {
          name: type,
          data: { eventId: id, payload: body, correlationId: id },
          opts: { ...opts, ...kept },
        };
      }),
    );
  }
  await queue.close();
  connection.disconnect();
  return count;
}
