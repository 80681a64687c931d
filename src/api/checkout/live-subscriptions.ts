import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { blocksPurchase } from '../../shared/stripe/index.ts';
import { livingCustomers } from '../customers.ts';
import type { WebDeps } from '../deps.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';

type LiveDeps = Pick<WebDeps, 'stripe' | 'config'>;

/** What Stripe says of a user's premium subscriptions, now. */
export type SubscriptionsAtStripe = { live: Stripe.Subscription[]; hadAny: boolean };

/** Asks Stripe, over all of a user's customers; only our own prices count. */
export async function liveSubscriptionsAtStripe(
  em: EntityManager,
  userId: number,
  { stripe, config }: LiveDeps,
): Promise<SubscriptionsAtStripe> {
  const customers = await livingCustomers(em, userId, config.stripe.livemode);
  const lists = await Promise.all(
    customers.map(({ stripeCustomerId }) => subscriptionsOfCustomer(stripeCustomerId, stripe)),
  );
  const prices: readonly string[] = Object.values(config.stripe.prices);
  const ours = lists
    .flat()
    .filter((subscription) => subscription.items.data.some((item) => prices.includes(item.price.id)));
  return { live: ours.filter(({ status }) => blocksPurchase(status)), hadAny: ours.length > 0 };
}

async function subscriptionsOfCustomer(customer: string, stripe: Stripe): Promise<Stripe.Subscription[]> {
  try {
    return (await stripe.subscriptions.list({ customer, status: 'all', limit: 100 })).data;
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw error;
  }
}
