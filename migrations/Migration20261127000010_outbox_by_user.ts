import { Migration } from '@mikro-orm/migrations';

/**
 * A user's messages are read from some id on: by who comes back and asks what was missed, and by workers that tell
 * what waits in order. The index on the user alone has nothing to add to that.
 */
export class Migration20261127000010_outbox_by_user extends Migration {
  override up(): void {
    this.addSql('create index if not exists outbox_messages_of_user on outbox_messages (user_id, id)');
    this.addSql('drop index if exists outbox_messages_by_user');
  }
}
