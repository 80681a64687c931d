import type { EntityManager } from '@mikro-orm/postgresql';
import { boundQuery } from '../../../shared/database/index.ts';
import { type Keys, PROVISIONAL } from './keys.ts';
import { lock } from './locks.ts';

/** An invoice and an intent that pays it. */
export type PaidBy = { invoiceId: string; intentId: string };

/** What a unit of work has to know before it can read, or even lock, all rows that it may touch. */
export type Survey = {
  /** Of the unit's own Stripe events those that have been processed before. */
  processed: ReadonlySet<string>;
  links: readonly PaidBy[];
  /** What the keys name, and what is linked to it. */
  invoices: ReadonlySet<string>;
  intents: ReadonlySet<string>;
  /** Whose payments these are. */
  payers: readonly number[];
};

/**
 * Looks, in one round trip, at what the keys lead to. The keys are locked already; intents that turn up here are not,
 * and other events name them without their invoice (a refund, a dispute), so they are locked before this looks again.
 */
export async function survey(em: EntityManager, keys: Keys, eventIds: readonly string[]): Promise<Survey> {
  const found = await look(em, keys, eventIds);
  const unlocked = [...found.intents].filter((id) => !keys.intents.has(id));
  if (unlocked.length === 0) return found;
  await lock(em, unlocked);
  return look(em, { ...keys, intents: new Set(found.intents) }, eventIds);
}

async function look(
  em: EntityManager,
  { invoices, intents, charges }: Keys,
  eventIds: readonly string[],
): Promise<Survey> {
  const [row] = await boundQuery<{
    processed: string[] | null;
    links: [invoiceId: string, intentId: string][] | null;
    payers: number[] | null;
  }>(
    em,
    `with link as materialized (
       select stripe_invoice_id as invoice, stripe_payment_intent_id as intent from invoice_payments
       where stripe_invoice_id = any($2::text[]) or stripe_payment_intent_id = any($3::text[])
     )
     select
       (select json_agg(stripe_event_id) from webhook_events
        where processed and stripe_event_id = any($1::text[])) as processed,
       (select json_agg(json_build_array(invoice, intent)) from link) as links,
       (select json_agg(distinct user_id) from payments
        where stripe_invoice_id = any($2::text[] || array(select invoice::text from link))
          or stripe_payment_intent_id = any($3::text[] || array(select $4::text || unnest($2::text[]))
               || array(select unnest(array[intent, $4::text || invoice]) from link))
          or stripe_charge_id = any(array(select unnest($5::text[])))) as payers`,
    [[...eventIds], [...invoices], [...intents], PROVISIONAL, [...charges]],
  );
  const links = (row?.links ?? []).map(([invoiceId, intentId]) => ({ invoiceId, intentId }));
  return {
    processed: new Set(row?.processed),
    links,
    invoices: new Set([...invoices, ...links.map(({ invoiceId }) => invoiceId)]),
    intents: new Set([...intents, ...links.map(({ intentId }) => intentId)]),
    payers: row?.payers ?? [],
  };
}
