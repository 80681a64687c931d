import { Migration } from '@mikro-orm/migrations';

/**
 * What tells a renewal that takes time from one that will not come: the newest invoice that bills a period, and what
 * stands in the way of the next. Columns without a default, so that the table is locked for an instant only.
 */
export class Migration20261127000050_slow_renewals extends Migration {
  override up(): void {
    const columns = [
      'collection_method varchar(30)',
      'paused_period_start timestamp',
      'first_unpaid_at timestamp',
      'latest_invoice_id varchar(255)',
      'latest_invoice_at timestamp',
      'latest_invoice_status varchar(50)',
      'latest_invoice_failed_at timestamp',
      'finalization_failed_at timestamp',
      'finalization_error text',
      'tax_disabled_reason varchar(255)',
    ];
    this.addSql(
      `alter table subscriptions ${columns.map((column) => `add column if not exists ${column}`).join(', ')}`,
    );
    this.addSql(
      `create index if not exists subscriptions_on_trial on subscriptions (trial_end)
       where status = 'active' and trial_end is not null`,
    );
  }
}
