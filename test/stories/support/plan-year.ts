import type Stripe from 'stripe';
import { PRICE_ANNUEL, PRICE_MENSUEL } from './world.ts';

/** Plans the yearly price for the end of the period, as the portal does for a change that waits. */
export async function planYear(stripe: Stripe, subscription: string): Promise<Stripe.SubscriptionSchedule> {
  const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription });
  const [current] = made.phases;
  if (!current) throw new Error('The schedule has no phase');
  const { start_date, end_date } = current;
  return stripe.subscriptionSchedules.update(made.id, {
    end_behavior: 'release',
    phases: [
      { items: [{ price: PRICE_MENSUEL, quantity: 1 }], start_date, end_date },
      {
        items: [{ price: PRICE_ANNUEL, quantity: 1 }],
        duration: { interval: 'year', interval_count: 1 },
        proration_behavior: 'none',
        billing_cycle_anchor: 'phase_start',
      },
    ],
  });
}
