import type Stripe from 'stripe';
import { HttpError } from '../../shared/errors.ts';
import { readSubscription, type SubscriptionFacts } from '../../shared/stripe/facts/index.ts';
import { blocksPurchase } from '../../shared/stripe/index.ts';
import { liveSubscriptionsAtStripe } from '../checkout/index.ts';
import type { WebDeps } from '../deps.ts';
import { suggestSync } from '../maintenance.ts';
import { isRefusedByStripe } from '../middleware/stripe-errors.ts';
import { countingOf, liveOf, subscriptionsOf } from './counting.ts';
import { planOf } from './plan.ts';
import { type SubscriptionView, viewOfFacts } from './view.ts';

type CancelDeps = Pick<WebDeps, 'orm' | 'stripe' | 'queues' | 'config' | 'clock' | 'logger'>;

/**
 * Cancels what a user pays for, at Stripe; our rows follow through the worker. Should there be two live
 * subscriptions, both are cancelled: who wants to stop paying means all of it.
 * @param atPeriodEnd false ends it now; what is paid is not refunded
 * @returns the subscription that counts, as Stripe now has it
 * @throws {HttpError} 404 when nothing is live
 */
export async function cancelSubscription(
  userId: number,
  atPeriodEnd: boolean,
  deps: CancelDeps,
): Promise<SubscriptionView> {
  const em = deps.orm.em.fork();
  const rows = await subscriptionsOf(em, userId, deps.config.stripe.livemode);
  const counting = countingOf(rows);
  const live = await liveOf(em, rows, deps);
  const cancelled = await cancelAll(
    live.map((row) => row.stripeSubscriptionId),
    atPeriodEnd,
    deps,
  );
  if (cancelled.length === 0) {
    // Bought a moment ago: Stripe has it, its event is still on the way. Or our rows are of an account that was left.
    const known = await liveSubscriptionsAtStripe(em, userId, deps);
    cancelled.push(
      ...(await cancelAll(
        known.live.map(({ id }) => id),
        atPeriodEnd,
        deps,
      )),
    );
  }
  const shown = cancelled.find((facts) => facts.id === counting?.stripeSubscriptionId) ?? cancelled[0];
  if (shown === undefined) {
    throw HttpError.notFound('nothing_to_cancel', 'There is no running subscription to cancel');
  }
  const row = rows.find((known) => known.stripeSubscriptionId === shown.id);
  return viewOfFacts(shown, {
    id: row?.id ?? null,
    planType: row?.planType ?? planOf(shown, deps.config.stripe.prices),
  });
}

async function cancelAll(
  ids: readonly string[],
  atPeriodEnd: boolean,
  deps: CancelDeps,
): Promise<SubscriptionFacts[]> {
  const cancelled: SubscriptionFacts[] = [];
  for (const id of ids) {
    const subscription = await cancelAtStripe(id, atPeriodEnd, deps.stripe);
    await suggestSync(id, 'always', deps);
    if (subscription) cancelled.push(readSubscription(subscription));
  }
  return cancelled;
}

/** @returns null when it had ended before, which our row does not know yet */
async function cancelAtStripe(
  id: string,
  atPeriodEnd: boolean,
  stripe: Stripe,
): Promise<Stripe.Subscription | null> {
  try {
    return atPeriodEnd
      ? await stripe.subscriptions.update(id, { cancel_at_period_end: true })
      : await stripe.subscriptions.cancel(id);
  } catch (error) {
    if (isRefusedByStripe(error) && !(await stillRuns(id, stripe))) return null;
    throw error;
  }
}

async function stillRuns(id: string, stripe: Stripe): Promise<boolean> {
  try {
    return blocksPurchase((await stripe.subscriptions.retrieve(id)).status);
  } catch (error) {
    if (isRefusedByStripe(error)) return false;
    throw error;
  }
}
