import { Migration } from '@mikro-orm/migrations';

/**
 * Whose it is. A row of the other mode no longer holds a user's live slot; a customer that only a typed address ties
 * to a user is nobody's to buy with; guests' checkouts are marked with a key that only this installation has; and who
 * is leaving buys nothing more for a day.
 */
export class Migration20261127000020_ownership extends Migration {
  override up(): void {
    // In one transaction, so that no moment is without it. Rows of the old service, which noted no mode, count as live.
    this.addSql('drop index if exists one_live_subscription_per_user');
    this.addSql(
      `create unique index one_live_subscription_per_user on subscriptions (user_id, coalesce(livemode, true))
       where duplicate_of is null and status in ('active', 'past_due', 'unpaid')`,
    );
    this.addSql(`update customers set preferred = false where preferred and linked_by = 'verified_email'`);
    // Tied by a session or an intent that named a user, and nothing of ours was ever bought as them: a stranger's.
    this.addSql(
      `update customers set user_id = null, preferred = false
       where linked_by = 'metadata' and user_id is not null
         and not exists (select from subscriptions where stripe_customer_id = customers.stripe_customer_id)
         and not exists (select from checkout_sessions where stripe_customer_id = customers.stripe_customer_id)`,
    );
    // What waits for a user is judged anew by the sweep: some of it is another shop's, and waits for nobody.
    this.addSql(
      `update webhook_events set waiting_for = null, error_message = null
       where not processed and waiting_for is not null`,
    );
    // Not derived from a key of Stripe's: web and worker may have one each, and both change while sessions are open.
    this.addSql(
      `insert into maintenance_state (name, data, updated_at)
       select 'session-marks', jsonb_build_object(
           'key', replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
           'since', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
         now() at time zone 'UTC'
       on conflict (name) do nothing`,
    );
    this.addSql(
      `create table if not exists billing_ends (
         id serial primary key,
         user_id int not null unique,
         ended_at timestamp not null
       )`,
    );
  }
}
