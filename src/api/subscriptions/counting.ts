import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { Subscription } from '../../shared/entities/index.ts';
import { blocksPurchase, isMissingAtStripe, modeOfMissing, noteMode } from '../../shared/stripe/index.ts';
import { ofMode, strangersOf } from '../customers.ts';
import type { WebDeps } from '../deps.ts';

/** Nobody has more; a bound on what one request reads. */
const MAX_ROWS = 100;

/**
 * A user's subscriptions, newest first: those of our key's mode, and none of which a stranger may be the payer.
 */
export async function subscriptionsOf(
  em: EntityManager,
  userId: number,
  livemode: boolean,
): Promise<Subscription[]> {
  const rows = await em.find(
    Subscription,
    { userId, ...ofMode(livemode) },
    { orderBy: { id: 'desc' }, limit: MAX_ROWS },
  );
  const strangers = rows.length > 0 ? await strangersOf(em, userId) : [];
  return rows
    .filter((row) => !strangers.includes(row.stripeCustomerId))
    .sort((a, b) => beganAt(b) - beganAt(a) || b.id - a.id);
}

/** Whether a subscription still runs: it may charge, and stands in the way of a second one. */
export function isLive(subscription: Subscription): boolean {
  return blocksPurchase(subscription.stripeStatus ?? subscription.status);
}

/**
 * Those of the rows that run. Of one whose mode the old service did not note Stripe is asked, and the answer written
 * down, before it stands in anybody's way. That Stripe does not know it at all ends nothing: that is for `drift --fix`.
 */
export async function liveOf(
  em: EntityManager,
  rows: readonly Subscription[],
  { stripe, config }: Pick<WebDeps, 'stripe' | 'config'>,
): Promise<Subscription[]> {
  const live: Subscription[] = [];
  for (const row of rows.filter(isLive)) {
    const mode = row.livemode ?? (await modeAtStripe(row.stripeSubscriptionId, stripe));
    if (row.livemode == null && mode !== null) await noteMode(em, row.stripeSubscriptionId, mode);
    if (mode === null || mode === config.stripe.livemode) live.push(row);
  }
  return live;
}

/** @returns whether it is of live mode; null when Stripe knows it in neither */
async function modeAtStripe(id: string, stripe: Stripe): Promise<boolean | null> {
  try {
    return (await stripe.subscriptions.retrieve(id)).livemode;
  } catch (thrown) {
    if (isMissingAtStripe(thrown)) return modeOfMissing(thrown);
    throw thrown;
  }
}

/** The one of a user's subscriptions that counts: a live one that is no duplicate, else a live one, else the newest. */
export function countingOf(newestFirst: readonly Subscription[]): Subscription | null {
  const live = newestFirst.filter(isLive);
  return live.find((row) => row.duplicateOf == null) ?? live[0] ?? newestFirst[0] ?? null;
}

function beganAt(subscription: Subscription): number {
  return (subscription.stripeCreatedAt ?? subscription.createdAt).getTime();
}
