import { Migration } from '@mikro-orm/migrations';

/** Disputes, of which a charge may have several. What one column of `payments` held of the last one stays there. */
export class Migration20261127000042_disputes extends Migration {
  override up(): void {
    this.addSql(`create table if not exists disputes (
      id bigserial primary key,
      stripe_dispute_id varchar(255) not null unique,
      stripe_charge_id varchar(255) not null,
      stripe_payment_intent_id varchar(255),
      amount bigint not null,
      currency varchar(3) not null,
      status varchar(50) not null,
      reason varchar(255),
      created_at timestamp not null,
      snapshot_at timestamp not null,
      livemode boolean not null
    )`);
    this.addSql(`create index if not exists disputes_by_charge on disputes (stripe_charge_id)`);
  }
}
