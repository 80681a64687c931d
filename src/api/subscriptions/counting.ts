import type { EntityManager } from '@mikro-orm/postgresql';
import { Subscription } from '../../shared/entities/index.ts';
import { blocksPurchase } from '../../shared/stripe/index.ts';

/** Nobody has more; a bound on what one request reads. */
const MAX_ROWS = 100;

/** A user's subscriptions, newest first. */
export async function subscriptionsOf(em: EntityManager, userId: number): Promise<Subscription[]> {
  const rows = await em.find(Subscription, { userId }, { orderBy: { id: 'desc' }, limit: MAX_ROWS });
  return rows.sort((a, b) => beganAt(b) - beganAt(a) || b.id - a.id);
}

/** Whether a subscription still runs: it may charge, and stands in the way of a second one. */
export function isLive(subscription: Subscription): boolean {
  return blocksPurchase(subscription.stripeStatus ?? subscription.status);
}

/** The one of a user's subscriptions that counts: a live one that is no duplicate, else a live one, else the newest. */
export function countingOf(newestFirst: readonly Subscription[]): Subscription | null {
  const live = newestFirst.filter(isLive);
  return live.find((row) => row.duplicateOf == null) ?? live[0] ?? newestFirst[0] ?? null;
}

function beganAt(subscription: Subscription): number {
  return (subscription.stripeCreatedAt ?? subscription.createdAt).getTime();
}
