import { Migration } from '@mikro-orm/migrations';

/**
 * What this service adds to Matcha's tables: facts the old one did not keep, the customer links and the outbox.
 * Written for both histories: columns made from SQL files (enums, int) and by GORM (varchar, bigint).
 */
export class Migration20261122000002_ledger extends Migration {
  override up(): void {
    // GORM's columns may be timestamptz: what is copied from them into ours is UTC wall clock.
    this.addSql(`set local timezone to 'UTC'`);
    for (const [table, columns] of Object.entries(NEW_COLUMNS)) {
      this.addSql(
        `alter table ${table} ${columns.map((column) => `add column if not exists ${column}`).join(', ')}`,
      );
    }
    this.addSql(`alter table webhook_events alter column data drop not null`);
    for (const statement of NEW_TABLES) this.addSql(statement);
    this.addSql(DROP_ONE_SUBSCRIPTION_PER_USER);
    for (const statement of [...ADOPT_ROWS, ...INDEXES]) this.addSql(statement);
  }
}

const NEW_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  subscriptions: [
    'stripe_status varchar(50)',
    'stripe_price_id varchar(255)',
    'stripe_created_at timestamp',
    'cancel_at timestamp',
    'ended_at timestamp',
    'collection_paused boolean not null default false',
    'paid_until timestamp',
    'paid_by_invoice_at timestamp',
    'past_due_since timestamp',
    'past_due_invoice_id varchar(255)',
    'revoked_at timestamp',
    'duplicate_of int',
    'livemode boolean',
    'snapshot_at timestamp',
  ],
  payments: [
    'stripe_customer_id varchar(255)',
    'stripe_subscription_id varchar(255)',
    'stripe_charge_id varchar(255)',
    'intent_status varchar(50)',
    'invoice_status varchar(50)',
    'intent_snapshot_at timestamp',
    'invoice_snapshot_at timestamp',
    'attempt_count int not null default 0',
    'next_attempt_at timestamp',
    'awaiting_invoice boolean not null default false',
    'link_checked_at timestamp',
    'amount_refunded int not null default 0',
    'refund_snapshot_at timestamp',
    'reversed_at timestamp',
    'dispute_status varchar(50)',
    'dispute_snapshot_at timestamp',
    'livemode boolean',
  ],
  webhook_events: [
    'outcome varchar(20)',
    'waiting_for varchar(255)',
    'stripe_created_at timestamp',
    'livemode boolean',
  ],
};

const NEW_TABLES: readonly string[] = [
  `create table if not exists customers (
    id serial primary key,
    user_id int references users(id) on delete set null,
    stripe_customer_id varchar(255) not null unique,
    livemode boolean,
    preferred boolean not null default true,
    linked_by varchar(20) not null,
    deleted_at timestamp,
    created_at timestamp not null default timezone('utc', now())
  )`,
  `create table if not exists invoice_payments (
    id serial primary key,
    stripe_invoice_id varchar(255) not null,
    stripe_payment_intent_id varchar(255) not null unique,
    created_at timestamp not null default timezone('utc', now())
  )`,
  `create table if not exists maintenance_state (
    name varchar(50) primary key,
    data jsonb not null,
    updated_at timestamp not null
  )`,
  // What remains of a payment when its user is deleted and the deletion cascades: the money, without the person.
  `create table if not exists archived_payments (
    id bigint primary key,
    data jsonb not null,
    archived_at timestamp not null default timezone('utc', now())
  )`,
  `create or replace function archive_deleted_payment() returns trigger language plpgsql as $$
  begin
    insert into archived_payments (id, data)
    values (old.id, to_jsonb(old) - array['user_id', 'subscription_id', 'stripe_customer_id'])
    on conflict (id) do nothing;
    return old;
  end $$`,
  `create or replace trigger archive_payment_of_deleted_user before delete on payments
   for each row when (pg_trigger_depth() > 0) execute function archive_deleted_payment()`,
  `create table if not exists outbox_messages (
    id bigserial primary key,
    fact varchar(255) not null unique,
    user_id int not null,
    type varchar(50) not null,
    data jsonb not null,
    created_at timestamp not null default timezone('utc', now()),
    delivered_at timestamp,
    silent boolean not null default false
  )`,
];

/**
 * Drops `unique_user_subscription`, whatever it is called here: any unique constraint or plain unique index over
 * exactly `subscriptions(user_id)`. It made a second subscription after a cancellation impossible.
 */
const DROP_ONE_SUBSCRIPTION_PER_USER = `do $$
  declare
    victim record;
    user_id_column smallint := (
      select attnum from pg_attribute where attrelid = 'subscriptions'::regclass and attname = 'user_id'
    );
  begin
    for victim in
      select conname from pg_constraint
      where conrelid = 'subscriptions'::regclass and contype = 'u' and conkey = array[user_id_column]
    loop
      execute format('alter table subscriptions drop constraint %I', victim.conname);
    end loop;
    for victim in
      select indexrelid::regclass::text as index_name from pg_index
      where indrelid = 'subscriptions'::regclass and indisunique and indpred is null
        and indnkeyatts = 1 and indkey[0] = user_id_column
    loop
      execute format('drop index %s', victim.index_name);
    end loop;
  end $$`;

const ADOPT_ROWS: readonly string[] = [
  // The old service only wrote a period that was running, so an active row's period counts as paid. That of a failed
  // renewal does not: Stripe rolls the period before it collects. A canceled row ended with its cancellation.
  // Not by UPDATE: Matcha's triggers would mark every row as changed just now (`updated_at`).
  `alter table subscriptions
     alter column paid_until type timestamp using case
       when paid_until is not null or stripe_status is not null then paid_until
       when status = 'active' then current_period_end
       when status = 'past_due' then current_period_start
     end,
     alter column ended_at type timestamp using case
       when ended_at is not null or stripe_status is not null then ended_at
       when status = 'canceled' then canceled_at
     end`,
  // A user who is gone stays nobody's: without foreign keys such rows are there.
  `insert into customers (user_id, stripe_customer_id, preferred, linked_by)
   select users.id, s.stripe_customer_id, true, 'legacy'
   from subscriptions s left join users on users.id = s.user_id
   where s.stripe_customer_id <> ''
   on conflict (stripe_customer_id) do nothing`,
  // Customers of abandoned checkouts: their later events still belong to the user.
  `insert into customers (user_id, stripe_customer_id, preferred, linked_by)
   select distinct on (s.stripe_customer_id) users.id, s.stripe_customer_id, false, 'legacy'
   from checkout_sessions s left join users on users.id = s.user_id
   where coalesce(s.stripe_customer_id, '') <> ''
   order by s.stripe_customer_id, s.created_at desc
   on conflict (stripe_customer_id) do nothing`,
];

const INDEXES: readonly string[] = [
  `create unique index if not exists one_live_subscription_per_user on subscriptions (user_id)
   where duplicate_of is null and status in ('active', 'past_due', 'unpaid')`,
  `create index if not exists subscriptions_by_user on subscriptions (user_id)`,
  `create index if not exists subscriptions_by_customer on subscriptions (stripe_customer_id)`,
  `create index if not exists payments_by_user on payments (user_id, created_at desc)`,
  `create index if not exists payments_by_invoice on payments (stripe_invoice_id)`,
  `create index if not exists payments_by_charge on payments (stripe_charge_id) where stripe_charge_id is not null`,
  `create index if not exists payments_by_stripe_subscription on payments (stripe_subscription_id)
   where subscription_id is null and stripe_subscription_id is not null`,
  `create index if not exists payments_awaiting_invoice on payments (created_at) where awaiting_invoice`,
  `create index if not exists invoice_payments_by_invoice on invoice_payments (stripe_invoice_id)`,
  `create index if not exists checkout_sessions_by_user on checkout_sessions (user_id)`,
  `create unique index if not exists one_preferred_customer_per_user on customers (user_id, livemode)
   where preferred and deleted_at is null`,
  `create index if not exists webhook_events_unprocessed on webhook_events (created_at) where not processed`,
  `create index if not exists webhook_events_waiting on webhook_events (waiting_for) where waiting_for is not null`,
  `create index if not exists payments_unlinked on payments (created_at)
   where link_checked_at is null and (awaiting_invoice or stripe_payment_intent_id like 'invoice\\_%')`,
  `create index if not exists subscriptions_running on subscriptions (paid_until) where status = 'active'`,
  `create index if not exists outbox_messages_by_user on outbox_messages (user_id)`,
  `create index if not exists outbox_messages_undelivered on outbox_messages (id) where delivered_at is null`,
];
