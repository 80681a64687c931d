import { Migration } from '@mikro-orm/migrations';

/**
 * What a unit of work reads, and locks before it reads (see `src/workers/events/ledger/survey.ts`). A function, because
 * every step needs what the one before it found: as statements these would be round trips, and PostgreSQL would plan
 * each of them anew for every event, which takes longer than running them. It keeps a function's plans, and unlike
 * prepared statements a function needs nothing of a connection pooler.
 *
 * Workers of the version before may still call it while new ones start: a change of what it takes or answers needs a
 * new name.
 */
export class Migration20261125000005_survey extends Migration {
  override up(): void {
    this.addSql(`create or replace function survey_ledger_v1(
      lock_names text[], event_ids text[], named_invoices text[], named_intents text[], named_charges text[],
      named_customers text[], named_sessions text[], named_subscriptions text[], named_users bigint[],
      named_emails text[]
    ) returns json language plpgsql as $$
    declare
      links json;
      invoices text[];
      intents text[];
      strangers text[];
      owners bigint[];
    begin
      -- Matcha's triggers write updated_at in session time.
      perform set_config('TimeZone', 'UTC', true);
      -- A plan that was made while a table was small must do when it is large.
      perform set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true);
      perform ${locked('lock_names')};

      -- An invoice's event may not name its intent, while a refund's names nothing else.
      intents := array(select intent from ${LINK} where intent <> all(named_intents));
      if intents <> '{}' then perform ${locked('intents')}; end if;

      select json_agg(json_build_array(invoice, intent)), array_agg(invoice), array_agg(intent)
      into links, invoices, intents from ${LINK};
      invoices := named_invoices || coalesce(invoices, '{}');
      intents := named_intents || coalesce(intents, '{}') || array(select 'invoice_' || unnest(invoices));

      strangers := array(
        select named from unnest(named_customers) as named
        where not exists (select from customers where stripe_customer_id = named and user_id is not null)
      );
      owners := array(
        select unnest(named_users)
        union select user_id from customers
          where stripe_customer_id = any(named_customers) and user_id is not null
        union select user_id from checkout_sessions where ${SESSIONS}
        union select user_id from payments where ${PAYMENTS}
      );
      -- Addresses are looked through only while somebody's customer is not known: the table is large, and every
      -- invoice names one.
      if strangers <> '{}' and named_emails <> '{}' then
        owners := owners || array(
          select id::bigint from users where email_verified and lower(email) = any(named_emails)
        );
      end if;
      -- Advisory locks rather than the rows' own: other services' inserts that refer to a user must not wait.
      perform ${locked(`array(select 'user:' || unnest(owners))`)};

      -- Payments only now: a refund's or a dispute's event names no customer, so the user's lock is all that such a
      -- unit of work has in common with others that touch the same payment.
      return json_build_object(
        'processed', (select json_agg(stripe_event_id) from webhook_events
          where processed and stripe_event_id = any(event_ids)),
        'links', links,
        'customers', (select json_agg(customers) from customers where stripe_customer_id = any(named_customers)),
        'preferred', case when strangers <> '{}' then (select json_agg(customers) from customers
          where preferred and deleted_at is null and user_id = any(owners)) end,
        'sessions', (select json_agg(checkout_sessions) from checkout_sessions where ${SESSIONS}),
        'users', (select json_agg(person) from (
          select id, email, email_verified, premium from users where id = any(owners)) as person),
        'subscriptions', (select json_agg(subscriptions) from subscriptions
          where user_id = any(owners) or stripe_subscription_id = any(named_subscriptions)),
        'payments', (select json_agg(payments) from payments where ${PAYMENTS})
      );
    end $$`);
  }
}

/** Which intent paid which invoice, of those that are named. */
const LINK = `(
  select stripe_invoice_id::text as invoice, stripe_payment_intent_id::text as intent from invoice_payments
  where stripe_invoice_id = any(named_invoices) or stripe_payment_intent_id = any(named_intents)
) as link`;

const SESSIONS = 'stripe_session_id = any(named_sessions) or stripe_customer_id = any(strangers)';

const PAYMENTS = `stripe_invoice_id = any(invoices) or stripe_payment_intent_id = any(intents)
  or stripe_charge_id = any(named_charges)`;

/** Transaction-scoped, and in one order for everybody, so that two units of work never wait for each other in a circle. */
function locked(names: string): string {
  return `pg_advisory_xact_lock(hash) from (
    select distinct hashtextextended(name, 0) as hash from unnest(${names}) as name order by hash
  ) as ordered`;
}
