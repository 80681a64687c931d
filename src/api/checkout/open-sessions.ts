import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { DAY } from '../../shared/duration.ts';
import { CheckoutSession, type PlanType } from '../../shared/entities/index.ts';
import type { WebDeps } from '../deps.ts';
import { isMissingAtStripe, isRefusedByStripe } from '../middleware/stripe-errors.ts';

type SessionDeps = Pick<WebDeps, 'stripe' | 'clock'>;

export type Purchase = { userId: number; plan: PlanType; customerId: string };

/**
 * Leaves a user at most one open session, the one that sells what is asked for: two open ones can both be paid.
 * @returns that session, if there is one already
 */
export async function settleOpenSessions(
  em: EntityManager,
  { userId, plan, customerId }: Purchase,
  deps: SessionDeps,
): Promise<Stripe.Checkout.Session | null> {
  let kept: Stripe.Checkout.Session | null = null;
  for (const row of await pendingSessions(em, userId, deps.clock.now())) {
    const session = await readSession(row.stripeSessionId, deps.stripe);
    const fits = row.planType === plan && row.stripeCustomerId === customerId && session?.url;
    if (session?.status === 'open' && fits && kept === null) {
      kept = session;
      continue;
    }
    const settled = session?.status === 'open' ? await expire(session.id, deps.stripe) : session;
    // One that was paid meanwhile is the worker's to complete.
    if (settled?.status === 'complete') continue;
    await em.nativeUpdate(
      CheckoutSession,
      { id: row.id },
      { status: 'expired', updatedAt: deps.clock.now() },
    );
  }
  return kept;
}

/** Sessions that may still be open, newest first. Stripe keeps one open for a day at most. */
function pendingSessions(em: EntityManager, userId: number, now: Date): Promise<CheckoutSession[]> {
  return em.find(
    CheckoutSession,
    {
      userId,
      status: 'pending',
      $or: [
        { expiresAt: { $gt: now } },
        { expiresAt: null, createdAt: { $gt: new Date(now.getTime() - DAY) } },
      ],
    },
    { orderBy: { id: 'desc' }, limit: 20 },
  );
}

async function readSession(id: string, stripe: Stripe): Promise<Stripe.Checkout.Session | null> {
  try {
    return await stripe.checkout.sessions.retrieve(id);
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}

async function expire(id: string, stripe: Stripe): Promise<Stripe.Checkout.Session> {
  try {
    return await stripe.checkout.sessions.expire(id);
  } catch (error) {
    // Paid or expired between our question and our order: what it is now decides.
    if (isRefusedByStripe(error)) return stripe.checkout.sessions.retrieve(id);
    throw error;
  }
}
