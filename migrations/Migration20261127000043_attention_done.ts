import { Migration } from '@mikro-orm/migrations';

/** What an operator has looked at and settled: it need not be shown again. */
export class Migration20261127000043_attention_done extends Migration {
  override up(): void {
    this.addSql(`create table if not exists attention_done (
      id bigserial primary key,
      kind varchar(50) not null,
      subject varchar(255) not null,
      reason text not null,
      done_by varchar(255) not null,
      done_at timestamp not null,
      unique (kind, subject)
    )`);
  }
}
