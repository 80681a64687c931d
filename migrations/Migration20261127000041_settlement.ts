import { Migration } from '@mikro-orm/migrations';

/**
 * How and when an invoice was paid and for what, and the credit notes over it: what tells money that was taken with
 * nothing given. Columns without a default lock the table for a moment only.
 */
export class Migration20261127000041_settlement extends Migration {
  override up(): void {
    this.addSql(`alter table payments
      add column if not exists settled_by varchar(20),
      add column if not exists paid_at timestamp,
      add column if not exists covers_until timestamp,
      add column if not exists gave_nothing varchar(30),
      add column if not exists disputed_at timestamp`);
    this.addSql(`create index if not exists payments_that_gave_nothing on payments (paid_at)
      where gave_nothing is not null`);
    this.addSql(`create table if not exists credit_notes (
      id bigserial primary key,
      stripe_credit_note_id varchar(255) not null unique,
      stripe_invoice_id varchar(255) not null,
      amount bigint not null,
      currency varchar(3) not null,
      status varchar(50) not null,
      created_at timestamp not null,
      livemode boolean not null
    )`);
    this.addSql(`create index if not exists credit_notes_by_invoice on credit_notes (stripe_invoice_id)`);
  }
}
