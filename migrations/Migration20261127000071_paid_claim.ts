import { Migration } from '@mikro-orm/migrations';

/**
 * Remembers when the period that counts as paid begins and when it was paid for: one that is paid after the
 * subscription's end gives nothing. Takes no time: new columns without defaults.
 */
export class Migration20261127000071_paid_claim extends Migration {
  override up(): void {
    this.addSql(
      'alter table subscriptions add column if not exists paid_from timestamp, add column if not exists paid_at timestamp',
    );
  }
}
