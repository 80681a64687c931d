import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { CheckoutSession, type PlanType, type Subscription } from '../../shared/entities/index.ts';
import { AppError, HttpError } from '../../shared/errors.ts';
import { isOtherCurrency } from '../../shared/stripe/index.ts';
import { fromUnixSeconds } from '../../shared/unix-time.ts';
import type { WebDeps } from '../deps.ts';
import { suggestSync } from '../maintenance.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';
import { isLive, subscriptionsOf } from '../subscriptions/counting.ts';
import { ensureCustomer, replaceCustomer } from './customer.ts';
import { idempotencyKey } from './idempotency.ts';
import { liveSubscriptionsAtStripe } from './live-subscriptions.ts';
import { type Purchase, settleOpenSessions } from './open-sessions.ts';
import { sessionParams, withSessionId } from './session-params.ts';
import { Turns } from './turns.ts';
import { createUserLock } from './user-lock.ts';

type CheckoutDeps = Pick<WebDeps, 'orm' | 'stripe' | 'queues' | 'config' | 'clock' | 'logger'>;

/** A session of Stripe Checkout, and the page to send the buyer to. */
export type CheckoutLink = { id: string; url: string };

export type Checkout = {
  /**
   * Sells a plan to a user. However often and from wherever this is called at once, it ends in one customer and one
   * open session.
   * @throws {HttpError} 409 when a subscription runs already, or is paused
   */
  forUser(userId: number, plan: PlanType): Promise<CheckoutLink>;
  /** Sells a plan to nobody we know; the subscription finds its user later. */
  forGuest(plan: PlanType): Promise<CheckoutLink>;
};

const LONGEST_QUEUE = 200;

export function createCheckout(deps: CheckoutDeps): Checkout {
  const { orm, stripe, config, clock } = deps;
  const withUserLock = createUserLock(orm);
  const turns = new Turns({
    atOnce: Math.max(1, Math.floor(config.database.poolMax / 2)),
    longestQueue: LONGEST_QUEUE,
  });

  return {
    forUser: (userId, plan) => turns.run(String(userId), () => sell(userId, plan)),
    forGuest: async (plan) =>
      linkOf(await stripe.checkout.sessions.create(sessionParams(plan, 'guest', config))),
  };

  async function sell(userId: number, plan: PlanType): Promise<CheckoutLink> {
    await refuseWhatRowsShow(orm.em.fork(), userId);
    // Committed by itself: were the session to fail, the customer would be forgotten and made again next time.
    const customerId = await withUserLock(userId, (em) => ensureCustomer(em, userId, deps));
    try {
      return await sellTo(userId, plan, customerId);
    } catch (error) {
      const another = await customerInstead(userId, customerId, error);
      if (another === null) throw error;
      return sellTo(userId, plan, another);
    }
  }

  /** What Stripe says of a customer who cannot buy leads to one who can; null where it is about something else. */
  async function customerInstead(userId: number, customerId: string, error: unknown): Promise<string | null> {
    if (isOtherCurrency(error)) {
      return withUserLock(userId, (em) => replaceCustomer(em, userId, customerId, deps));
    }
    // Deleted at Stripe since it was read.
    const isGone = isMissingAtStripe(error) && (error as Stripe.errors.StripeError).param === 'customer';
    return isGone ? withUserLock(userId, (em) => ensureCustomer(em, userId, deps)) : null;
  }

  function sellTo(userId: number, plan: PlanType, customerId: string): Promise<CheckoutLink> {
    return withUserLock(userId, async (em) => {
      const hadRows = await refuseWhatRowsShow(em, userId);
      const open = await settleOpenSessions(em, { userId, plan, customerId }, deps);
      const hadAny = (await refuseWhatStripeKnows(em, userId)) || hadRows;
      if (open) return linkOf(open);
      const trialDays = hadAny ? 0 : config.checkout.trialDays;
      return linkOf(await openSession(em, { userId, plan, customerId }, trialDays));
    });
  }

  /** @returns whether the user ever had a subscription */
  async function refuseWhatRowsShow(em: EntityManager, userId: number): Promise<boolean> {
    const rows = await subscriptionsOf(em, userId);
    const live = rows.filter(isLive);
    if (live.length > 0) throw standsInTheWay(live.every(isPausedRow));
    return rows.length > 0;
  }

  /** Our rows are behind Stripe while events are on the way, and after a purchase in the dashboard. */
  async function refuseWhatStripeKnows(em: EntityManager, userId: number): Promise<boolean> {
    const { live, hadAny } = await liveSubscriptionsAtStripe(em, userId, deps);
    for (const { id } of live) await suggestSync(id, 'oncePerMinute', deps);
    if (live.length > 0) throw standsInTheWay(live.every(isPausedAtStripe));
    return hadAny;
  }

  async function openSession(
    em: EntityManager,
    { userId, plan, customerId }: Purchase,
    trialDays: number,
  ): Promise<Stripe.Checkout.Session> {
    const params = sessionParams(plan, { userId, customerId, trialDays }, config);
    const [last] = await em.find(CheckoutSession, { userId }, { orderBy: { id: 'desc' }, limit: 1 });
    const now = clock.now();
    const session = await stripe.checkout.sessions.create(params, {
      idempotencyKey: idempotencyKey(`checkout:${userId}:${plan}:after-${last?.id ?? 0}`, params, now),
    });
    await em
      .createQueryBuilder(CheckoutSession)
      .insert({
        userId,
        stripeSessionId: session.id,
        stripeCustomerId: customerId,
        planType: plan,
        status: 'pending',
        amount: session.amount_total,
        currency: session.currency,
        successUrl: withSessionId(config.checkout.successUrl),
        cancelUrl: config.checkout.cancelUrl,
        expiresAt: fromUnixSeconds(session.expires_at),
        createdAt: now,
        updatedAt: now,
      })
      .onConflict('stripeSessionId')
      .ignore()
      .execute('run');
    return session;
  }
}

function linkOf({ id, url }: Stripe.Checkout.Session): CheckoutLink {
  if (url === null) throw new AppError(`Stripe gave checkout session ${id} no page`);
  return { id, url };
}

function isPausedRow({ stripeStatus, collectionPaused }: Subscription): boolean {
  return stripeStatus === 'paused' || collectionPaused;
}

function isPausedAtStripe({ status, pause_collection: paused }: Stripe.Subscription): boolean {
  return status === 'paused' || paused !== null;
}

function standsInTheWay(isPaused: boolean): HttpError {
  if (isPaused) {
    return HttpError.conflict(
      'subscription_paused',
      'A subscription is paused: resume it (POST /api/stripe/subscription/resume) or cancel it instead of buying a second one',
    );
  }
  return HttpError.conflict(
    'already_subscribed',
    'A subscription is running already: manage or cancel it instead of buying a second one',
  );
}
