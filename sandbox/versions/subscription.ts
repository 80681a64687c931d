import type Stripe from 'stripe';
import type { World } from '../world.ts';
import { firstDiscount } from './others.ts';

/** Before basil the subscription had one period, one plan and one discount of its own. */
export function oldSubscription(world: World, subscription: Stripe.Subscription): object {
  const items = subscription.items.data;
  const [only] = items;
  return {
    ...subscription,
    // Items keep the fields that did not exist then: Stripe adds fields at every version.
    current_period_start: Math.min(...items.map((item) => item.current_period_start)),
    current_period_end: Math.min(...items.map((item) => item.current_period_end)),
    plan: items.length === 1 ? (only?.plan ?? null) : null,
    quantity: items.length === 1 ? (only?.quantity ?? 1) : null,
    discount: firstDiscount(world, subscription.discounts),
    tax_percent: null,
  };
}
