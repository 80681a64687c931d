import type Stripe from 'stripe';
import { isMissingAtStripe } from './missing.ts';
import { isRefusedByStripe } from './refusals.ts';

/** What became of what a subscription still asked for when it ended; invoices by Stripe's ids. */
export type Closed = {
  voided: string[];
  /** Paid in the meantime: money taken for a subscription that has ended. */
  paid: string[];
  /** Not to be voided: a bank debit is under way, and its money may still arrive. */
  underWay: string[];
};

/** In these states an invoice can still be paid, if only by its hosted page. */
const UNPAID = ['open', 'draft', 'uncollectible'] as const;

/** All invoices of a subscription that are not paid for. */
export async function unpaidInvoicesOf(subscription: string, stripe: Stripe): Promise<Stripe.Invoice[]> {
  const lists = await Promise.all(
    UNPAID.map(async (status) => {
      const invoices: Stripe.Invoice[] = [];
      for await (const invoice of stripe.invoices.list({ subscription, status, limit: 100 }))
        invoices.push(invoice);
      return invoices;
    }),
  );
  return lists.flat();
}

/** Whether a bank debit for an invoice is on its way: it counts as paid until it fails. */
export async function isDebitUnderWay(invoice: Stripe.Invoice, stripe: Stripe): Promise<boolean> {
  if (invoice.status !== 'open') return false;
  const { payments } = await stripe.invoices.retrieve(invoice.id, {
    expand: ['payments.data.payment.payment_intent'],
  });
  return (payments?.data ?? []).some(({ payment: { payment_intent: intent } }) => {
    return typeof intent === 'object' && intent?.status === 'processing';
  });
}

/**
 * Makes sure that nothing more is collected for a subscription that has ended. Ending it only stops Stripe's own
 * attempts: hosted pages and the dashboard would still take the money, and what is pending lands on the customer's
 * next invoice (docs.stripe.com/billing/subscriptions/cancel). Only once it has ended: voiding the newest invoice of
 * one that runs makes it active again. Doing it twice is harmless.
 */
export async function closeUnpaid(
  subscription: Pick<Stripe.Subscription, 'id' | 'customer'>,
  stripe: Stripe,
): Promise<Closed> {
  const closed: Closed = { voided: [], paid: [], underWay: [] };
  for (const invoice of await unpaidInvoicesOf(subscription.id, stripe)) {
    const { id, status } = await voided(invoice, stripe);
    if (status === 'void') closed.voided.push(id);
    else if (status === 'paid') closed.paid.push(id);
    else if (status !== 'draft') closed.underWay.push(id);
  }
  await removePending(subscription, stripe);
  return closed;
}

/** @returns the invoice as it is in the end */
async function voided(invoice: Stripe.Invoice, stripe: Stripe): Promise<Stripe.Invoice> {
  // One of nothing would be paid by finalising it, perhaps from a credit; as a draft nobody can pay it.
  if (invoice.status === 'draft' && invoice.amount_due <= 0) return invoice;
  try {
    // Stripe deletes no draft of a subscription.
    if (invoice.status === 'draft') {
      const opened = await stripe.invoices.finalizeInvoice(invoice.id, { auto_advance: false });
      if (opened.status !== 'open') return opened;
    }
    return await stripe.invoices.voidInvoice(invoice.id);
  } catch (error) {
    if (!isRefusedByStripe(error)) throw error;
    const now = await stripe.invoices.retrieve(invoice.id);
    // Finalised by Stripe itself between our look and our order.
    if (invoice.status === 'draft' && now.status === 'open') return voided(now, stripe);
    return now;
  }
}

/** What is to be charged goes; a credit is the customer's. */
async function removePending(
  { id, customer }: Pick<Stripe.Subscription, 'id' | 'customer'>,
  stripe: Stripe,
): Promise<void> {
  const customerId = typeof customer === 'string' ? customer : customer.id;
  const pending: string[] = [];
  for await (const item of stripe.invoiceItems.list({ customer: customerId, pending: true, limit: 100 })) {
    const owner = item.parent?.subscription_details?.subscription;
    if (owner === id && item.amount > 0) pending.push(item.id);
  }
  for (const item of pending) {
    try {
      await stripe.invoiceItems.del(item);
    } catch (error) {
      if (!isMissingAtStripe(error)) throw error;
    }
  }
}
