import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Writes down of which mode a subscription is that the old service left without one, and its payments with it. It moves
 * to the other mode's live slot, where another may sit already: then it is that one's duplicate.
 */
export async function noteMode(em: EntityManager, subscriptionId: string, livemode: boolean): Promise<void> {
  await em.execute(
    `update subscriptions as noted set livemode = ?, duplicate_of = coalesce(noted.duplicate_of, (
       select held.id from subscriptions as held
       where held.user_id = noted.user_id and held.id <> noted.id and held.livemode = ? and held.duplicate_of is null
         and ${isLive('held')} and ${isLive('noted')} limit 1))
     where noted.stripe_subscription_id = ? and noted.livemode is null`,
    [livemode, livemode, subscriptionId],
  );
  await em.execute(
    `update payments set livemode = ? where livemode is null and subscription_id = (
       select id from subscriptions where stripe_subscription_id = ?)`,
    [livemode, subscriptionId],
  );
}

/** As the index `one_live_subscription_per_user` says it. */
function isLive(table: string): string {
  return `${table}.status in ('active', 'past_due', 'unpaid')`;
}
