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
 * @param known what our rows say, which stays when it reaches further
 */
export function premiumStateAhead(facts: SubscriptionFacts, known: PremiumState): PremiumState {
  if (facts.status !== 'active' && facts.status !== 'trialing') return known;
  const trial = facts.status === 'trialing';
  const until = timestamp((trial ? facts.trialEnd : null) ?? facts.period?.end);
  if (known.premium_until !== null && until !== null && known.premium_until > until) return known;
  return {
    is_premium: true,
    premium_until: until,
    reason: facts.cancelAt ? 'cancelled_until' : trial ? 'trial' : 'active',
  };
}
