import { Migration } from '@mikro-orm/migrations';

/**
 * What a unit of work writes. Functions for the reasons of `survey_ledger_v1`: planning these statements anew took
 * PostgreSQL longer than running them. Each works on many rows, and is called after the survey, whose settings (UTC,
 * kept plans) last to the end of the transaction.
 *
 * A column that an entity gains is written once there is a new version of `write_ledger`, under a name of its own.
 */
export class Migration20261126000006_write extends Migration {
  override up(): void {
    this.addSql(writeLedger());
    for (const statement of [LOG_EVENTS, WRITE_OUTBOX, JOIN_PAYMENTS]) this.addSql(statement);
  }
}

/** What may be written of each table, and the column by which new rows are told apart; referred-to tables first. */
const TABLES: Readonly<Record<string, { key: string; columns: readonly string[] }>> = {
  customers: {
    key: 'stripe_customer_id',
    columns: [
      'user_id',
      'stripe_customer_id',
      'livemode',
      'preferred',
      'linked_by',
      'deleted_at',
      'created_at',
    ],
  },
  subscriptions: {
    key: 'stripe_subscription_id',
    columns: [
      'user_id',
      'stripe_subscription_id',
      'stripe_customer_id',
      'plan_type',
      'status',
      'current_period_start',
      'current_period_end',
      'cancel_at_period_end',
      'canceled_at',
      'trial_start',
      'trial_end',
      'created_at',
      'updated_at',
      'stripe_status',
      'stripe_price_id',
      'stripe_created_at',
      'cancel_at',
      'ended_at',
      'collection_paused',
      'paid_until',
      'paid_by_invoice_at',
      'past_due_since',
      'past_due_invoice_id',
      'past_due_invoice_at',
      'revoked_at',
      'duplicate_of',
      'livemode',
      'snapshot_at',
    ],
  },
  payments: {
    key: 'stripe_payment_intent_id',
    columns: [
      'user_id',
      'subscription_id',
      'stripe_payment_intent_id',
      'stripe_invoice_id',
      'amount',
      'currency',
      'status',
      'payment_method_type',
      'failure_reason',
      'created_at',
      'stripe_customer_id',
      'stripe_subscription_id',
      'stripe_charge_id',
      'intent_status',
      'invoice_status',
      'intent_snapshot_at',
      'invoice_snapshot_at',
      'attempt_count',
      'next_attempt_at',
      'awaiting_invoice',
      'link_checked_at',
      'amount_refunded',
      'refund_snapshot_at',
      'reversed_at',
      'dispute_status',
      'dispute_snapshot_at',
      'livemode',
    ],
  },
  invoice_payments: {
    key: 'stripe_payment_intent_id',
    columns: ['stripe_invoice_id', 'stripe_payment_intent_id', 'created_at'],
  },
  checkout_sessions: {
    key: 'stripe_session_id',
    columns: [
      'user_id',
      'stripe_session_id',
      'stripe_customer_id',
      'plan_type',
      'status',
      'amount',
      'currency',
      'success_url',
      'cancel_url',
      'expires_at',
      'completed_at',
      'stripe_subscription_id',
      'created_at',
      'updated_at',
    ],
  },
};

/** Answers with the ids of new rows: `{"subscriptions": {"sub_…": 1}, …}`. */
function writeLedger(): string {
  const names = Object.keys(TABLES);
  const given = ['changed_users', ...names.flatMap((name) => [`changed_${name}`, `new_${name}`])];
  return `create or replace function write_ledger_v1(
    ${given.map((name) => `${name} json default null`).join(', ')}, removed_payments bigint[] default null
  ) returns json language plpgsql as $$
  declare
    change json;
    ${names.map((name) => `ids_${name} json;`).join(' ')}
  begin
    if changed_users is not null then
      -- The only column of another service's table that is ever written.
      for change in select value from json_array_elements(changed_users) loop
        update users set premium = (change ->> 'premium')::timestamp where id = (change ->> 'id')::bigint;
      end loop;
    end if;
    if removed_payments is not null then delete from payments where id = any(removed_payments); end if;
    ${names.map(writeTable).join('\n')}
    return json_strip_nulls(json_build_object(${names.map((name) => `'${name}', ids_${name}`).join(', ')}));
  end $$`;
}

/**
 * What leaves unique indexes goes before what enters them. Columns that a change does not name stay as they are. Row by
 * row: a plan that joins all changes to the table at once, made while the table is small, reads all of it.
 */
function writeTable(name: string): string {
  const { key, columns } = TABLES[name] as (typeof TABLES)[string];
  const list = columns.join(', ');
  return `
    if changed_${name} is not null then
      for change in select value from json_array_elements(changed_${name}) loop
        update ${name} as held set (${list}) = (select ${list} from json_populate_record(held, change))
        where held.id = (change ->> 'id')::bigint;
      end loop;
    end if;
    if new_${name} is not null then
      with added as (
        insert into ${name} (${list}) select ${list} from json_populate_recordset(null::${name}, new_${name})
        returning id, ${key} as key
      ) select json_object_agg(key, id) from added into ids_${name};
    end if;`;
}

/**
 * Each event with where its payload is among all payloads: bytes, for as text in an array every quote of it would be
 * escaped and unescaped.
 */
const LOG_EVENTS = `create or replace function log_events_v1(events json, payloads bytea)
  returns void language plpgsql as $$
  begin
    insert into webhook_events (stripe_event_id, event_type, data, stripe_created_at, livemode, processed, processed_at,
      outcome, waiting_for, error_message, retry_count, created_at)
    select stripe_event_id, event_type,
      convert_from(substring(payloads from payload_from for payload_bytes), 'UTF8')::jsonb, stripe_created_at, livemode,
      processed, processed_at, outcome, waiting_for, error_message, 0, created_at
    from json_to_recordset(events) as event(stripe_event_id text, event_type text, payload_from int, payload_bytes int,
      stripe_created_at timestamp, livemode boolean, processed boolean, processed_at timestamp, outcome text,
      waiting_for text, error_message text, created_at timestamp)
    on conflict (stripe_event_id) do update set
      processed = excluded.processed, processed_at = excluded.processed_at, outcome = excluded.outcome,
      waiting_for = excluded.waiting_for, error_message = excluded.error_message;
  end $$`;

/** A fact that was announced before, by whatever event, is left out: the unique key decides. */
const WRITE_OUTBOX = `create or replace function write_outbox_v1(messages json, written_at timestamp, silent boolean)
  returns table (id bigint, fact text) language plpgsql as $$
  #variable_conflict use_column
  begin
    return query insert into outbox_messages (fact, user_id, type, data, created_at, delivered_at, silent)
      select fact, user_id, type, data, written_at, case when write_outbox_v1.silent then written_at end,
        write_outbox_v1.silent
      from json_to_recordset(messages) as message(fact text, user_id int, type text, data jsonb)
      on conflict (fact) do nothing
      returning outbox_messages.id, outbox_messages.fact::text;
  end $$`;

/** Payments that came before their subscription find it now. */
const JOIN_PAYMENTS = `create or replace function join_payments_v1(appeared text[]) returns void language plpgsql as $$
  declare
    named text;
  begin
    foreach named in array appeared loop
      update payments set subscription_id = subscriptions.id from subscriptions
      where subscriptions.stripe_subscription_id = named
        and payments.stripe_subscription_id = named and payments.subscription_id is null;
    end loop;
  end $$`;
