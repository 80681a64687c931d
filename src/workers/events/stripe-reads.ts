import type Stripe from 'stripe';
import {
  type ChargeFacts,
  type DisputeFacts,
  type IntentFacts,
  type InvoiceFacts,
  readCharge,
  readDispute,
  readIntent,
  readInvoice,
  readSubscription,
  type SubscriptionFacts,
} from '../../shared/stripe/facts/index.ts';
import { isMissingAtStripe } from '../../shared/stripe/index.ts';

/** What Stripe says of an object now, and when that was, by Stripe's own clock (whole seconds). */
export type Snapshot<F> = { facts: F; seenAt: Date };

/** How handlers ask Stripe for an object as it is now, when a payload is older, equal or in doubt. */
export type StripeReads = {
  subscription(id: string): Promise<Snapshot<SubscriptionFacts>>;
  invoice(id: string): Promise<Snapshot<InvoiceFacts>>;
  intent(id: string): Promise<Snapshot<IntentFacts>>;
  charge(id: string): Promise<Snapshot<ChargeFacts>>;
  dispute(id: string): Promise<Snapshot<DisputeFacts>>;
  /** The invoice that an intent collects; null when there is none, or no such intent. */
  invoiceOfIntent(id: string): Promise<string | null>;
  /** The product a price belongs to. */
  productOfPrice(priceId: string): Promise<string | null>;
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
  intent: refuse,
  charge: refuse,
  dispute: refuse,
  invoiceOfIntent: refuse,
  productOfPrice: refuse,
};

function refuse(): Promise<never> {
  return Promise.reject(new StripeReadNeeded());
}

/** Reads through the SDK, under the locks of the caller's transaction. */
export function readsThrough(stripe: Stripe): StripeReads {
  return {
    subscription: async (id) =>
      snapshot(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] }), readSubscription),
    invoice: async (id) =>
      snapshot(
        await stripe.invoices.retrieve(id, { expand: ['payments.data.payment.payment_intent'] }),
        readInvoice,
      ),
    intent: async (id) => snapshot(await stripe.paymentIntents.retrieve(id), readIntent),
    charge: async (id) => snapshot(await stripe.charges.retrieve(id), readCharge),
    dispute: async (id) => snapshot(await stripe.disputes.retrieve(id), readDispute),
    invoiceOfIntent: (id) => invoiceOfIntent(stripe, id),
    productOfPrice: async (id) => {
      const { product } = await stripe.prices.retrieve(id);
      return typeof product === 'string' ? product : product.id;
    },
  };
}

function snapshot<F>(response: Stripe.Response<unknown>, read: (object: unknown) => F): Snapshot<F> {
  const date = response.lastResponse.headers.date;
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  return { facts: read(response), seenAt: Number.isNaN(parsed) ? new Date() : new Date(parsed) };
}

async function invoiceOfIntent(stripe: Stripe, id: string): Promise<string | null> {
  try {
    const { data } = await stripe.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: id },
      limit: 1,
    });
    const invoice = data[0]?.invoice ?? null;
    return typeof invoice === 'string' ? invoice : (invoice?.id ?? null);
  } catch (thrown) {
    if (isMissingAtStripe(thrown)) return null;
    throw thrown;
  }
}
