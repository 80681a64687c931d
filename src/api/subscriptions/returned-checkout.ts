import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { CheckoutSession, Customer } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import {
  type CheckoutSessionFacts,
  readCheckoutSession,
  readSubscription,
  type SubscriptionFacts,
} from '../../shared/stripe/facts/index.ts';
import type { WebDeps } from '../deps.ts';
import { suggestSync } from '../maintenance.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';

type ReturnDeps = Pick<WebDeps, 'stripe' | 'queues' | 'clock' | 'logger'>;

/**
 * What a user bought who comes back from Checkout before its events do: the subscription, straight from Stripe.
 * @param knownIds Stripe's ids of the subscriptions in our rows
 * @returns null when our rows know better, or when the session did not lead to a subscription (yet)
 * @throws {HttpError} 404 when the session does not exist or is somebody else's
 */
export async function subscriptionOfReturn(
  em: EntityManager,
  userId: number,
  sessionId: string,
  knownIds: ReadonlySet<string>,
  deps: ReturnDeps,
): Promise<SubscriptionFacts | null> {
  const row = await em.findOne(CheckoutSession, { stripeSessionId: sessionId });
  if (row && row.userId !== userId) throw notFound();
  if (row?.stripeSubscriptionId && knownIds.has(row.stripeSubscriptionId)) return null;

  const session = await readSession(sessionId, deps.stripe);
  if (!(await belongsTo(em, userId, readCheckoutSession(session)))) throw notFound();
  const { subscription } = session;
  if (subscription === null || typeof subscription === 'string' || knownIds.has(subscription.id)) return null;
  await suggestSync(subscription.id, 'oncePerMinute', deps);
  return readSubscription(subscription);
}

async function readSession(id: string, stripe: Stripe): Promise<Stripe.Checkout.Session> {
  try {
    return await stripe.checkout.sessions.retrieve(id, {
      expand: ['subscription', 'subscription.latest_invoice'],
    });
  } catch (error) {
    if (isMissingAtStripe(error)) throw notFound();
    throw error;
  }
}

/** A guest's session names nobody; it is the user's once its customer is. */
async function belongsTo(em: EntityManager, userId: number, session: CheckoutSessionFacts): Promise<boolean> {
  const named = session.clientReferenceId ?? session.metadata.user_id;
  if (named) return named === String(userId);
  if (session.customerId === null) return false;
  return (await em.count(Customer, { stripeCustomerId: session.customerId, userId })) > 0;
}

function notFound(): HttpError {
  return HttpError.notFound('session_not_found', 'You have no such checkout session');
}
