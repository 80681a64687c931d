import { Migration } from '@mikro-orm/migrations';

/** Remembers when Stripe was last asked about a subscription. Takes no time: a new column without a default. */
export class Migration20261127000000_read_at extends Migration {
  override up(): void {
    this.addSql('alter table subscriptions add column if not exists read_at timestamp');
  }
}
