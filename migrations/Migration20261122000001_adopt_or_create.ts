import { Migration } from '@mikro-orm/migrations';

/**
 * The tables Matcha's database already has in production. On an empty database this creates them; on an existing
 * one every statement finds its table there and changes nothing.
 */
export class Migration20261122000001_adopt_or_create extends Migration {
  override up(): void {
    for (const [name, values] of Object.entries(ENUMS)) this.addSql(createEnumIfMissing(name, values));
    for (const table of TABLES) this.addSql(table);
  }
}

const ENUMS: Readonly<Record<string, readonly string[]>> = {
  plan_type_enum: ['mensuel', 'annuel'],
  subscription_status_enum: ['active', 'inactive', 'canceled', 'past_due', 'unpaid'],
  payment_status_enum: ['pending', 'succeeded', 'failed', 'canceled'],
  checkout_session_status_enum: ['pending', 'completed', 'expired', 'canceled'],
};

/** PostgreSQL has no `CREATE TYPE IF NOT EXISTS`. */
function createEnumIfMissing(name: string, values: readonly string[]): string {
  const labels = values.map((value) => `'${value}'`).join(', ');
  return `do $$ begin
    if to_regtype('${name}') is null then create type ${name} as enum (${labels}); end if;
  end $$`;
}

const UTC_NOW = `timezone('utc', now())`;

const TABLES: readonly string[] = [
  `create table if not exists users (
    id serial primary key,
    username varchar(255),
    first_name varchar(255),
    last_name varchar(255),
    email varchar(255) unique,
    email_verified boolean not null default false,
    premium timestamp
  )`,
  `create table if not exists subscriptions (
    id serial primary key,
    user_id int not null references users(id) on delete cascade,
    stripe_subscription_id varchar(255) not null unique,
    stripe_customer_id varchar(255) not null,
    plan_type plan_type_enum not null,
    status subscription_status_enum not null default 'inactive',
    current_period_start timestamp,
    current_period_end timestamp,
    cancel_at_period_end boolean not null default false,
    canceled_at timestamp,
    trial_start timestamp,
    trial_end timestamp,
    created_at timestamp not null default ${UTC_NOW},
    updated_at timestamp not null default ${UTC_NOW}
  )`,
  `create table if not exists payments (
    id serial primary key,
    user_id int not null references users(id) on delete cascade,
    subscription_id int references subscriptions(id) on delete set null,
    stripe_payment_intent_id varchar(255) not null unique,
    stripe_invoice_id varchar(255),
    amount int not null,
    currency varchar(3) not null default 'eur',
    status payment_status_enum not null default 'pending',
    payment_method_type varchar(50),
    failure_reason text,
    created_at timestamp not null default ${UTC_NOW}
  )`,
  `create table if not exists checkout_sessions (
    id serial primary key,
    user_id int not null references users(id) on delete cascade,
    stripe_session_id varchar(255) not null unique,
    stripe_customer_id varchar(255),
    plan_type plan_type_enum not null,
    status checkout_session_status_enum not null default 'pending',
    amount bigint,
    currency varchar(3) default 'eur',
    success_url text,
    cancel_url text,
    expires_at timestamp,
    completed_at timestamp,
    stripe_subscription_id varchar(255),
    created_at timestamp not null default ${UTC_NOW},
    updated_at timestamp not null default ${UTC_NOW}
  )`,
  `create table if not exists webhook_events (
    id serial primary key,
    stripe_event_id varchar(255) not null unique,
    event_type varchar(100) not null,
    processed boolean not null default false,
    processed_at timestamp,
    data jsonb,
    error_message text,
    retry_count int not null default 0,
    created_at timestamp not null default ${UTC_NOW}
  )`,
];
