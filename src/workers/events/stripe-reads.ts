import type Stripe from 'stripe';
import {
  type ChargeFacts,
  type DisputeFacts,
  type IntentFacts,
  type InvoiceFacts,
  type InvoiceLine,
  readCharge,
  readDispute,
  readIntent,
  readInvoice,
  readInvoiceLines,
  readSubscription,
  readSubscriptionItems,
  type SubscriptionFacts,
  type SubscriptionItemFacts,
} from '../../shared/stripe/facts/index.ts';

/** The most that Stripe gives at a time, and the most that its SDK gathers. */
const PAGE_SIZE = 100;
const MOST_GATHERED = 10_000;

/** What Stripe says of an object now, and when that was, by Stripe's own clock (whole seconds). */
export type Snapshot<F> = { facts: F; seenAt: Date };

/** How handlers ask Stripe for an object as it is now, when a payload is older, equal or in doubt. */
export type StripeReads = {
  subscription(id: string): Promise<Snapshot<SubscriptionFacts>>;
  invoice(id: string): Promise<Snapshot<InvoiceFacts>>;
  /** All of them: what is embedded in an invoice ends after ten. They never change once an invoice is finalised. */
  invoiceLines(id: string): Promise<InvoiceLine[]>;
  intent(id: string): Promise<Snapshot<IntentFacts>>;
  charge(id: string): Promise<Snapshot<ChargeFacts>>;
  dispute(id: string): Promise<Snapshot<DisputeFacts>>;
  /** The product a price belongs to. */
  productOfPrice(priceId: string): Promise<string | null>;
  /** All that a subscription sells: what is embedded in it may end before the last. */
  subscriptionItems(id: string): Promise<SubscriptionItemFacts[]>;
};

/**
 * Thrown where a handler asks for a read while its event is applied together with others: a slow answer must not
 * hold up the neighbours. The event is taken out of the group and applied alone. Handlers read before they change
 * anything, so nothing has to be undone.
 */
export class StripeReadNeeded extends Error {}

/** The reads of a group: none. */
export const noReads: StripeReads = {
  subscription: refuse,
  invoice: refuse,
  invoiceLines: refuse,
  intent: refuse,
  charge: refuse,
  dispute: refuse,
  productOfPrice: refuse,
  subscriptionItems: refuse,
};

function refuse(): Promise<never> {
  return Promise.reject(new StripeReadNeeded());
}

/** Reads through the SDK, under the locks of the caller's transaction. */
export function readsThrough(stripe: Stripe): StripeReads {
  const reads: StripeReads = {
    subscription: async (id) => {
      const read = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] });
      const { facts, seenAt } = snapshot(read, readSubscription);
      return { facts: await withAllItems(facts, reads), seenAt };
    },
    invoice: async (id) =>
      snapshot(
        await stripe.invoices.retrieve(id, { expand: ['payments.data.payment.payment_intent'] }),
        readInvoice,
      ),
    invoiceLines: async (id) =>
      readInvoiceLines(await everyPage(stripe.invoices.listLineItems(id, { limit: PAGE_SIZE }))),
    intent: async (id) => snapshot(await stripe.paymentIntents.retrieve(id), readIntent),
    charge: async (id) => snapshot(await stripe.charges.retrieve(id), readCharge),
    dispute: async (id) => snapshot(await stripe.disputes.retrieve(id), readDispute),
    productOfPrice: async (id) => {
      const { product } = await stripe.prices.retrieve(id);
      return typeof product === 'string' ? product : product.id;
    },
    subscriptionItems: async (subscription) =>
      readSubscriptionItems(
        await everyPage(stripe.subscriptionItems.list({ subscription, limit: PAGE_SIZE })),
      ),
  };
  return reads;
}

/** A subscription with everything it sells. */
export async function withAllItems(
  facts: SubscriptionFacts,
  reads: Pick<StripeReads, 'subscriptionItems'>,
): Promise<SubscriptionFacts> {
  if (!facts.hasMoreItems) return facts;
  return { ...facts, items: await reads.subscriptionItems(facts.id), hasMoreItems: false };
}

function everyPage<T>(list: Stripe.ApiListPromise<T>): Promise<T[]> {
  return list.autoPagingToArray({ limit: MOST_GATHERED });
}

function snapshot<F>(response: Stripe.Response<unknown>, read: (object: unknown) => F): Snapshot<F> {
  const date = response.lastResponse.headers.date;
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  return { facts: read(response), seenAt: Number.isNaN(parsed) ? new Date() : new Date(parsed) };
}
