import type { PlanType } from '../../shared/entities/index.ts';
import type { SubscriptionFacts } from '../../shared/stripe/facts/index.ts';

/** The plan of one of our subscriptions: by the price of any of its items, else by how often it renews. Null when neither says. */
export function planOf(
  facts: Pick<SubscriptionFacts, 'items' | 'interval'>,
  prices: Readonly<Record<PlanType, string>>,
): PlanType | null {
  if (facts.items.some(({ priceId }) => priceId === prices.mensuel)) return 'mensuel';
  if (facts.items.some(({ priceId }) => priceId === prices.annuel)) return 'annuel';
  if (facts.interval === 'month') return 'mensuel';
  return facts.interval === 'year' ? 'annuel' : null;
}
