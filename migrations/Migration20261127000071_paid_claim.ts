import { Migration } from '@mikro-orm/migrations';

/**
 * Remembers when the period that counts as paid begins and when it was paid for (one that is paid after the
 * subscription's end gives nothing), and what its user was last told. Takes no time: new columns without defaults.
 */
export class Migration20261127000071_paid_claim extends Migration {
  override up(): void {
    const columns = ['paid_from', 'paid_at', 'activation_told_at', 'end_told_at'];
    const added = columns.map((column) => `add column if not exists ${column} timestamp`);
    this.addSql(`alter table subscriptions ${added.join(', ')}`);
  }
}
