import type Stripe from 'stripe';
import { Customer, Subscription, User } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import { isEndedStatus } from '../../shared/stripe/facts/index.ts';
import type { WebDeps } from '../deps.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';

/** What was ended, by Stripe's ids. */
export type EndedBilling = {
  customers: string[];
  canceled_subscriptions: string[];
  expired_sessions: string[];
};

/**
 * Ends everything Stripe could still charge a user for: to be called before an account is deleted. Stripe goes first
 * and any failure there is an error, because a half-deleted user who is still charged is worse than one who has to be
 * deleted again. Calling it twice is harmless. Payments stay on the books: when the user's row goes, the database
 * keeps them without the person (`archived_payments`).
 * @throws {HttpError} 404 when neither the user nor a customer of theirs exists
 */
export async function endBilling(
  userId: number,
  { orm, stripe }: Pick<WebDeps, 'orm' | 'stripe'>,
): Promise<EndedBilling> {
  const customers = await customersOf(userId, orm);
  const ended: EndedBilling = { customers, canceled_subscriptions: [], expired_sessions: [] };
  for (const customer of customers) {
    try {
      ended.expired_sessions.push(...(await expireSessions(customer, stripe)));
      ended.canceled_subscriptions.push(...(await cancelSubscriptions(customer, stripe)));
    } catch (error) {
      // A customer deleted at the dashboard cannot be charged any more.
      if (!isMissingAtStripe(error)) throw error;
    }
  }
  return ended;
}

async function customersOf(userId: number, orm: WebDeps['orm']): Promise<string[]> {
  const em = orm.em.fork();
  const linked = await em.find(Customer, { userId, deletedAt: null });
  const subscribed = await em.find(Subscription, { userId }, { fields: ['stripeCustomerId'] });
  const ids = new Set([...linked, ...subscribed].map(({ stripeCustomerId }) => stripeCustomerId));
  if (ids.size === 0 && (await em.count(User, { id: userId })) === 0) {
    throw HttpError.notFound('user_not_found', `There is no user ${userId}`);
  }
  return [...ids];
}

/** First, so that nobody pays for a subscription that is being ended. */
async function expireSessions(customer: string, stripe: Stripe): Promise<string[]> {
  const expired: string[] = [];
  for await (const { id } of stripe.checkout.sessions.list({ customer, status: 'open', limit: 100 })) {
    await stripe.checkout.sessions.expire(id);
    expired.push(id);
  }
  return expired;
}

async function cancelSubscriptions(customer: string, stripe: Stripe): Promise<string[]> {
  const canceled: string[] = [];
  for await (const { id, status } of stripe.subscriptions.list({ customer, status: 'all', limit: 100 })) {
    if (isEndedStatus(status)) continue;
    await stripe.subscriptions.cancel(id);
    canceled.push(id);
  }
  return canceled;
}
