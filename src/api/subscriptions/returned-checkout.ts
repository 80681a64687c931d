import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { CheckoutSession, Customer, UNCONFIRMED_LINK } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import {
  type CheckoutSessionFacts,
  readCheckoutSession,
  readSubscription,
  type SubscriptionFacts,
} from '../../shared/stripe/facts/index.ts';
import { sessionMarksOf } from '../../shared/stripe/index.ts';
import type { WebDeps } from '../deps.ts';
import { suggestSync } from '../maintenance.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';

type ReturnDeps = Pick<WebDeps, 'orm' | 'stripe' | 'queues' | 'clock' | 'logger'>;

/** A subscription that Stripe has and our rows have not. */
export type Bought = {
  facts: SubscriptionFacts;
  /** Whether the user may see it: not while only a typed address says that they are its payer. */
  shown: boolean;
};

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
): Promise<Bought | null> {
  const row = await em.findOne(CheckoutSession, { stripeSessionId: sessionId });
  if (row && row.userId !== userId) throw notFound();
  if (row?.stripeSubscriptionId && knownIds.has(row.stripeSubscriptionId)) return null;

  const session = await readSession(sessionId, deps.stripe);
  const link = row ? 'session' : await linkOfGuest(em, userId, readCheckoutSession(session), deps);
  if (link === undefined) throw notFound();
  const { subscription } = session;
  if (subscription === null || typeof subscription === 'string' || knownIds.has(subscription.id)) return null;
  await suggestSync(subscription.id, 'oncePerMinute', deps);
  return { facts: readSubscription(subscription), shown: link !== UNCONFIRMED_LINK };
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

/**
 * A guest's session names nobody, and what a session says of itself links nobody: it is the user's once its customer
 * is, and only if it is a checkout of ours at all.
 * @returns how its customer was linked to the user; undefined when it is not theirs
 */
async function linkOfGuest(
  em: EntityManager,
  userId: number,
  session: CheckoutSessionFacts,
  { orm, clock }: ReturnDeps,
): Promise<string | undefined> {
  if (session.mode !== 'subscription' || session.customerId === null) return undefined;
  const marks = sessionMarksOf(orm);
  const unmarked =
    session.metadata.source === 'guest' && (await marks.isBefore(session.created ?? clock.now()));
  if (!unmarked && !(await marks.isIn(session.metadata))) return undefined;
  return (await em.findOne(Customer, { stripeCustomerId: session.customerId, userId }))?.linkedBy;
}

function notFound(): HttpError {
  return HttpError.notFound('session_not_found', 'You have no such checkout session');
}
