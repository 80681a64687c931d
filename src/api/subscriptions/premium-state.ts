import type { Subscription } from '../../shared/entities/index.ts';
import { type PremiumReason, premiumReason } from '../../shared/premium/index.ts';
import type { SubscriptionFacts } from '../../shared/stripe/facts/index.ts';
import { timestamp } from '../envelope.ts';

/** Whether a user is premium, until when, and why. */
export type PremiumState = { is_premium: boolean; premium_until: string | null; reason: PremiumReason };

/**
 * The one answer to "is this user premium?", for every route: what `users.premium` says, as for Matcha's other
 * services.
 * @param premium the user's column
 * @param subscription the one that counts
 */
export function premiumState(
  premium: Date | null,
  subscription: Subscription | null,
  now: Date,
): PremiumState {
  return {
    is_premium: premium !== null && premium > now,
    premium_until: timestamp(premium),
    reason: premiumReason(premium, subscription, now),
  };
}

/**
 * The state of a user whose checkout Stripe has completed and our rows do not show yet: a subscription that begins
 * `active` or `trialing` is premium for its first period at once.
 * @returns undefined when the subscription makes nobody premium
 */
export function premiumStateAhead(facts: SubscriptionFacts): PremiumState | undefined {
  if (facts.status !== 'active' && facts.status !== 'trialing') return undefined;
  const trial = facts.status === 'trialing';
  return {
    is_premium: true,
    premium_until: timestamp((trial ? facts.trialEnd : null) ?? facts.period?.end ?? null),
    reason: facts.cancelAt ? 'cancelled_until' : trial ? 'trial' : 'active',
  };
}
