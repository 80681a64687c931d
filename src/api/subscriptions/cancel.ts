import type { EntityManager } from '@mikro-orm/postgresql';
import { type Subscription, User } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import { liveSubscriptionsAtStripe } from '../checkout/index.ts';
import type { WebDeps } from '../deps.ts';
import { timestamp } from '../envelope.ts';
import { suggestClosing, suggestSync } from '../maintenance.ts';
import { newReference } from '../reference.ts';
import { countingOf, isLive, subscriptionsOf } from './counting.ts';
import { type Leaving, type Left, leave } from './leaving.ts';
import { planOf } from './plan.ts';
import { untilShown } from './until-shown.ts';
import { type SubscriptionView, viewOfFacts } from './view.ts';

type CancelDeps = Pick<WebDeps, 'orm' | 'stripe' | 'queues' | 'config' | 'clock' | 'logger'>;

/** What somebody is told who has left. */
export type Cancelled = SubscriptionView & {
  /** Until when premium lasts: the end of what is paid. */
  premium_until: string | null;
  /** A number the person can keep; the subscription at Stripe has it too. */
  reference: string;
  /** A bank debit that was under way cannot be called back: its money may still arrive. */
  debit_under_way: boolean;
};

/**
 * Cancels what a user pays for, at Stripe; our rows follow through the worker. Should there be two live
 * subscriptions, both are cancelled: who wants to stop paying means all of it.
 * @returns the subscription that counts, as Stripe now has it, and whether it ended at once for want of payment
 * @throws {HttpError} 404 when nothing is live
 */
export async function cancelSubscription(
  userId: number,
  wish: Leaving,
  deps: CancelDeps,
): Promise<{ cancelled: Cancelled; endedUnpaid: boolean }> {
  const em = deps.orm.em.fork();
  const rows = await subscriptionsOf(em, userId);
  const counting = countingOf(rows);
  const reference = newReference();
  const all: Left[] = [];
  for (const id of await liveIds(em, userId, rows, deps)) {
    const left = await leave(id, wish, reference, deps);
    if (left) {
      all.push(left);
      await note(left, userId, deps);
    }
    await suggestSync(id, 'always', deps);
  }
  const shown = all.find(({ facts }) => facts.id === counting?.stripeSubscriptionId) ?? all[0];
  if (shown === undefined) {
    throw HttpError.notFound('nothing_to_cancel', 'There is no running subscription to cancel');
  }
  const isShown = await untilShown(
    all.map(({ facts }) => facts),
    deps,
  );
  const row = rows.find((known) => known.stripeSubscriptionId === shown.facts.id);
  const view = viewOfFacts(shown.facts, {
    id: row?.id ?? null,
    planType: row?.planType ?? planOf(shown.facts, deps.config.stripe.prices),
  });
  return {
    cancelled: {
      ...view,
      premium_until: isShown
        ? timestamp((await em.fork().findOne(User, userId))?.premium)
        : timestamp(latest(all.map((left) => endOfPremium(left, rows, deps.clock.now())))),
      reference: shown.reference,
      debit_under_way: all.some(({ closed }) => (closed?.underWay.length ?? 0) > 0),
    },
    endedUnpaid: shown.wasUnpaid,
  };
}

async function liveIds(
  em: EntityManager,
  userId: number,
  rows: readonly Subscription[],
  deps: CancelDeps,
): Promise<string[]> {
  const ids = rows.filter(isLive).map((row) => row.stripeSubscriptionId);
  if (ids.length > 0) return ids;
  // Bought a moment ago: Stripe has it, its event is still on the way.
  const { live } = await liveSubscriptionsAtStripe(em, userId, deps);
  return live.map((subscription) => subscription.id);
}

/** What an operator has to know or the worker to do. */
async function note({ facts, closed, leftOpen }: Left, userId: number, deps: CancelDeps): Promise<void> {
  if (leftOpen) await suggestClosing(facts.id, deps);
  const { logger } = deps;
  for (const invoice of closed?.paid ?? []) {
    logger.error(
      { userId, subscription: facts.id, invoice },
      'An invoice was paid while its subscription was being ended: refund it at Stripe',
    );
  }
  for (const invoice of closed?.underWay ?? []) {
    logger.warn(
      { userId, subscription: facts.id, invoice },
      'A bank debit is under way for a subscription that was ended: its money may still arrive, and is then to be refunded',
    );
  }
}

/** As the worker will find it; for an answer that cannot wait for it. */
function endOfPremium({ facts }: Left, rows: readonly Subscription[], now: Date): Date | null {
  const row = rows.find((known) => known.stripeSubscriptionId === facts.id);
  const paid = row?.paidUntil ?? facts.period?.end ?? null;
  const end = facts.endedAt ?? facts.cancelAt ?? now;
  return paid !== null && paid < end ? paid : end;
}

function latest(moments: readonly (Date | null)[]): Date | null {
  return moments.reduce((best, moment) => (best === null || (moment && moment > best) ? moment : best), null);
}
