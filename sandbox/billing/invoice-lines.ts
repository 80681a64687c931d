import type Stripe from 'stripe';
import { exponentOf } from '../money.ts';
import type { StoredInvoiceItem, StoredPrice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import type { Period } from './period.ts';

/** One line before discounts and taxes. */
export interface LineDraft {
  price: StoredPrice;
  quantity: number;
  /** Minor units; negative for a credit. */
  amount: number;
  description: string;
  period: Period;
  proration: boolean;
  subscriptionItem: string;
  invoiceItem: string | null;
}

/** What a subscription costs for the period its items are in. */
export function periodLines(world: World, subscription: StoredSubscription): LineDraft[] {
  const trialing = subscription.status === 'trialing';
  return subscription.items.data.map((item) => {
    const price = world.tables.prices.must(item.price.id);
    const quantity = item.quantity ?? 1;
    const name = world.tables.products.get(price.product)?.name ?? price.product;
    return {
      price,
      quantity,
      amount: trialing ? 0 : (price.unit_amount ?? 0) * quantity,
      description: trialing ? `Trial period for ${name}` : `${quantity} × ${name} (at ${perInterval(price)})`,
      period: { start: item.current_period_start, end: item.current_period_end },
      proration: false,
      subscriptionItem: item.id,
      invoiceItem: null,
    };
  });
}

/**
 * What waits for a subscription's next invoice: its own items, and those of its customer that name no subscription or
 * one that has ended.
 */
export function pendingItems(world: World, subscription: StoredSubscription): StoredInvoiceItem[] {
  return world.tables.invoiceItems.filter((item) => {
    if (item.invoice !== null || item.customer !== subscription.customer) return false;
    const named = item.parent?.subscription_details?.subscription;
    if (named == null || named === subscription.id) return true;
    return world.tables.subscriptions.get(String(named))?.ended_at != null;
  });
}

export function lineOf(world: World, item: StoredInvoiceItem): LineDraft {
  const price = world.tables.prices.must(String(item.pricing?.price_details?.price));
  return {
    price,
    quantity: item.quantity,
    amount: item.amount,
    description: item.description ?? '',
    period: item.period,
    proration: item.proration,
    subscriptionItem: item.parent?.subscription_details?.subscription_item ?? '',
    invoiceItem: item.id,
  };
}

/** A price and its interval for people: `9.99 EUR / month`. */
export function perInterval(price: Stripe.Price): string {
  const digits = exponentOf(price.currency);
  const amount = ((price.unit_amount ?? 0) / 10 ** digits).toFixed(digits);
  const { interval = 'once', interval_count: count = 1 } = price.recurring ?? {};
  return `${amount} ${price.currency.toUpperCase()} / ${count === 1 ? interval : `${count} ${interval}s`}`;
}
