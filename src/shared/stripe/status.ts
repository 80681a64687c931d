import type { SubscriptionStatus } from '../entities/index.ts';

/**
 * Stripe's subscription status as the five words that Matcha's other services know. `incomplete`,
 * `incomplete_expired`, `paused` and words Stripe may yet invent are `inactive`.
 */
export function toSubscriptionStatus(stripeStatus: string): SubscriptionStatus {
  switch (stripeStatus) {
    case 'active':
    case 'trialing':
      return 'active';
    case 'past_due':
    case 'unpaid':
    case 'canceled':
      return stripeStatus;
    default:
      return 'inactive';
  }
}

/** Whether a subscription in this Stripe status stands in the way of buying a second one. */
export function blocksPurchase(stripeStatus: string): boolean {
  return ['active', 'trialing', 'past_due', 'unpaid', 'paused'].includes(stripeStatus);
}
