import { Migration } from '@mikro-orm/migrations';

/** The age of the invoice that a subscription is past due for, which tells it from older and newer ones. */
export class Migration20261125000003_past_due_invoice extends Migration {
  override up(): void {
    this.addSql(`alter table subscriptions add column if not exists past_due_invoice_at timestamp`);
  }
}
