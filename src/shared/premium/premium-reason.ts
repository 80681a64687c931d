import type { Subscription } from '../entities/index.ts';
import { coveredUntil, inDunning, isPaymentUnderWay } from './premium-until.ts';

/** Why a user is, or is not, premium. */
export type PremiumReason = 'active' | 'trial' | 'grace' | 'payment_pending' | 'cancelled_until' | 'none';

/**
 * Names the reason behind a user's premium.
 * @param premium the user's `premium` column
 * @param subscription the subscription that counts, if there is one
 */
export function premiumReason(
  premium: Date | null,
  subscription: Subscription | null,
  now: Date,
): PremiumReason {
  if (premium === null || premium <= now) return 'none';
  if (subscription === null) return 'active';
  if (inDunning(subscription) && (coveredUntil(subscription) ?? premium) <= now) return 'grace';
  if (isPaymentUnderWay(subscription, now)) return 'payment_pending';
  if (subscription.cancelAtPeriodEnd || subscription.endedAt) return 'cancelled_until';
  return subscription.stripeStatus === 'trialing' ? 'trial' : 'active';
}
