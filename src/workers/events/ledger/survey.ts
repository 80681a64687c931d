import type { JsonRow, Transaction } from '../../../shared/database/index.ts';
import { type Keys, lockNames, PROVISIONAL } from './keys.ts';

/** Which columns of each table are wanted, as SQL. */
export type Wanted = Readonly<
  Record<'customers' | 'sessions' | 'users' | 'subscriptions' | 'payments', string>
>;

/** What a unit of work needs to know of the database. */
export type Survey = {
  /** Of the unit's own Stripe events those that have been processed before. */
  processed: ReadonlySet<string>;
  /** Which invoice an intent pays. */
  links: readonly { invoiceId: string; intentId: string }[];
  /** By table. */
  rows: { readonly [Table in keyof Wanted]: JsonRow[] | null };
  /** The customers that the users' new checkouts use; read only while somebody's customer is not known. */
  preferred: JsonRow[] | null;
};

/**
 * Locks all that the keys lead to, and reads it, in one round trip. The names of what is found on the way (who a
 * customer is, which intent paid an invoice) are needed for the next lock, so each statement leaves them to those
 * after it in settings of the transaction.
 */
export async function survey(
  transaction: Transaction,
  keys: Keys,
  eventIds: readonly string[],
  wanted: Wanted,
): Promise<Survey> {
  const links = [[...keys.invoices], [...keys.intents]];
  const payments = [...links, [...keys.charges]];
  transaction.tell(LOCK, [lockNames(keys, eventIds)]);
  transaction.tell(LOCK_LINKED_INTENTS, links);
  const [[found], [read]] = await Promise.all([
    transaction.ask<Found>(findOwners(wanted), [
      ...payments,
      eventIds,
      [...keys.customers],
      [...keys.sessions],
      [...keys.users],
      [...keys.emails],
    ]),
    // An advisory lock rather than the row's own: other services' inserts that refer to the user must not wait.
    transaction.ask(LOCK_USERS),
    // Payments only now: a refund's or a dispute's event names no customer, so the user's lock is all that such a unit
    // of work has in common with others that touch the same payment.
    transaction.ask<Read>(readOwned(wanted), [...payments, [...keys.subscriptions]]),
  ]).then(([owners, , owned]) => [owners, owned] as const);
  return {
    processed: new Set(found?.processed),
    links: (found?.links ?? []).map(([invoiceId, intentId]) => ({ invoiceId, intentId })),
    rows: {
      customers: found?.customers ?? null,
      sessions: found?.sessions ?? null,
      users: read?.users ?? null,
      subscriptions: read?.subscriptions ?? null,
      payments: read?.payments ?? null,
    },
    preferred: read?.preferred ?? null,
  };
}

type Found = {
  processed: string[] | null;
  links: [invoiceId: string, intentId: string][] | null;
  customers: JsonRow[] | null;
  sessions: JsonRow[] | null;
};

type Read = Record<'users' | 'subscriptions' | 'payments' | 'preferred', JsonRow[] | null>;

/**
 * Takes transaction-scoped advisory locks, in one order for everybody, so that two units of work never wait for each
 * other in a circle. Also pins the transaction's zone to UTC: Matcha's triggers write `updated_at` in session time.
 */
const LOCK = `select set_config('TimeZone', 'UTC', true), ${lockedBy('select unnest($1::text[])')}`;

/** An invoice's event may not name its intent, while a refund's names nothing else. */
const LOCK_LINKED_INTENTS = `with ${linked()}
  select ${lockedBy('select intent from link where intent <> all($2::text[])')}`;

const LOCK_USERS = `select ${lockedBy(`select 'user:' || id from ${involved()} as id`)}`;

function lockedBy(names: string): string {
  return `(select count(pg_advisory_xact_lock(hash)) from (
    select distinct hashtextextended(name, 0) as hash from (${names}) as named(name) order by hash
  ) as ordered)`;
}

/** `$1` invoices, `$2` intents. */
function linked(): string {
  return `link as materialized (
    select stripe_invoice_id as invoice, stripe_payment_intent_id as intent from invoice_payments
    where stripe_invoice_id = any($1::text[])
    union
    select stripe_invoice_id, stripe_payment_intent_id from invoice_payments
    where stripe_payment_intent_id = any($2::text[])
  )`;
}

/** `$1` invoices, `$2` intents, `$3` charges, and what is linked to them. An arm each, so that each has its index. */
function paid(column: string): string {
  return `select ${column} from payments where stripe_invoice_id in (
      select unnest($1::text[]) union select invoice from link)
    union
    select ${column} from payments where stripe_payment_intent_id in (
      select unnest($2::text[]) union select '${PROVISIONAL}' || unnest($1::text[])
      union select unnest(array[intent, '${PROVISIONAL}' || invoice]) from link)
    union
    select ${column} from payments where stripe_charge_id = any($3::text[])`;
}

/** The users that {@link findOwners} has found. */
function involved(): string {
  return `unnest(string_to_array(current_setting('paiements.users'), ',')::bigint[])`;
}

/**
 * Whose all of this may be. Addresses are looked through only while somebody's customer is not known: the table is
 * large and every invoice names one.
 */
function findOwners({ customers, sessions }: Wanted): string {
  return `with ${linked()},
    customer as materialized (select ${customers} from customers where stripe_customer_id = any($5::text[])),
    stranger as materialized (
      select named from unnest($5::text[]) as named
      where not exists (select from customer where stripe_customer_id = named and user_id is not null)
    ),
    session as materialized (
      select ${sessions} from checkout_sessions where stripe_session_id = any($6::text[])
      union
      select ${sessions} from checkout_sessions where stripe_customer_id in (select named from stranger)
    ),
    owner(id) as (
      select unnest($7::bigint[])
      union select user_id from customer where user_id is not null
      union select user_id from session
      union ${paid('user_id')}
      union select id from users
        where email_verified and lower(email) = any($8::text[]) and exists (select from stranger)
    )
    select
      (select json_agg(stripe_event_id) from webhook_events
       where processed and stripe_event_id = any($4::text[])) as processed,
      (select json_agg(json_build_array(invoice, intent)) from link) as links,
      (select json_agg(customer) from customer) as customers,
      (select json_agg(session) from session) as sessions,
      set_config('paiements.users', coalesce((select string_agg(id::text, ',') from owner), ''), true),
      set_config('paiements.strangers', (exists (select from stranger))::text, true)`;
}

/** Everything of those users, and the payments at hand. `$4` subscriptions. */
function readOwned({ users, subscriptions, payments, customers }: Wanted): string {
  return `with ${linked()}, involved(id) as materialized (select ${involved()})
    select
      (select json_agg(found) from (
        select ${users} from users where id in (select id from involved)) as found) as users,
      (select json_agg(found) from (
        select ${subscriptions} from subscriptions where user_id in (select id from involved)
        union
        select ${subscriptions} from subscriptions where stripe_subscription_id = any($4::text[])
      ) as found) as subscriptions,
      (select json_agg(found) from (
        select ${payments} from payments where id in (${paid('id')})) as found) as payments,
      (select json_agg(found) from (
        select ${customers} from customers
        where preferred and current_setting('paiements.strangers')::boolean
          and user_id in (select id from involved)) as found) as preferred`;
}
