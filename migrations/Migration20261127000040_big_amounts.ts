import { Migration } from '@mikro-orm/migrations';

/**
 * Amounts beyond 32 bits, which currencies of small units reach (25 million rupiahs). Where the columns are `int`, the
 * table is rewritten: nobody reads or writes `payments` meanwhile, about a second for every million rows. Where GORM
 * made them they are `bigint` already, and nothing happens.
 */
export class Migration20261127000040_big_amounts extends Migration {
  override up(): void {
    // One statement, so that the table is rewritten once.
    this.addSql(`do $$ declare
      changes text;
    begin
      select string_agg(format('alter column %I type bigint', column_name), ', ') into changes
      from information_schema.columns
      where table_schema = current_schema() and table_name = 'payments' and data_type = 'integer'
        and column_name in ('amount', 'amount_refunded', 'attempt_count');
      if changes is not null then execute 'alter table payments ' || changes; end if;
    end $$`);
  }
}
