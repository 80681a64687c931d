import { emit, update } from '../events/emit.ts';
import type { StoredInvoice, StoredPaymentIntent, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { expireIncomplete } from './canceling.ts';
import { collect, debitBegun, invoicePaid, linkPayment, openIntent } from './collecting.ts';
import { type DiscountChoice, grantDiscount } from './discounts.ts';
import { periodLines } from './invoice-lines.ts';
import { buildInvoice, creditFor, finalizeInvoice, keepInvoice } from './invoices.ts';
import { planAhead } from './renewing.ts';
import { newSubscription, type SubscriptionOptions } from './subscription-object.ts';

/** What Checkout already knows when it makes the subscription. */
export interface CheckoutPayment {
  session: string;
  /** The intent that was confirmed on the page; null when nothing is due. */
  intent: StoredPaymentIntent | null;
}

/** Whether and when an API-made subscription's first invoice is charged. */
export type PaymentBehavior = 'allow_incomplete' | 'default_incomplete' | 'error_if_incomplete';

/** The subscription that a completed Checkout Session makes. Its payment comes first, as since basil. */
export function subscribeFromCheckout(
  world: World,
  options: SubscriptionOptions,
  discount: DiscountChoice | null,
  payment: CheckoutPayment,
): { subscription: StoredSubscription; invoice: StoredInvoice } {
  const subscription = newSubscription(world, options);
  if (discount) grantDiscount(world, subscription, discount, payment.session);
  const startsActive = world.config.billing.checkoutSubscriptionStartsAs === 'active';
  const isProcessing = payment.intent?.status === 'processing';
  const isFree = payment.intent === null;
  if (subscription.status === 'incomplete' && (startsActive || isProcessing || isFree))
    subscription.status = 'active';
  const invoice = firstInvoice(world, subscription);
  emit(world, 'customer.subscription.created', subscription);
  emit(world, 'invoice.created', invoice);
  finalizeInvoice(world, invoice);
  if (payment.intent && invoice.status === 'open') {
    linkPayment(world, invoice, payment.intent);
    if (isProcessing) debitBegun(world, invoice);
    else invoicePaid(world, invoice);
  }
  planAhead(world, subscription);
  return { subscription, invoice };
}

/** A subscription made through the API or the dashboard: its first invoice comes before its payment. */
export function subscribe(
  world: World,
  options: SubscriptionOptions,
  discount: DiscountChoice | null,
  behavior: PaymentBehavior,
): StoredSubscription {
  const subscription = newSubscription(world, options);
  if (discount) grantDiscount(world, subscription, discount, null);
  const invoice = firstInvoice(world, subscription);
  const customer = world.tables.customers.must(subscription.customer);
  const isFree = invoice.total <= creditFor(customer, invoice.total);
  if (isFree && subscription.status === 'incomplete') subscription.status = 'active';
  emit(world, 'customer.subscription.created', subscription);
  emit(world, 'invoice.created', invoice);
  finalizeInvoice(world, invoice);
  if (subscription.status === 'incomplete') {
    const at = world.clock.now + world.config.billing.incompleteExpiresAfterSeconds;
    world.agenda.set(`incomplete:${subscription.id}`, at, () => expireIncomplete(world, subscription));
  }
  if (invoice.status === 'open') {
    if (behavior === 'default_incomplete') openIntent(world, invoice);
    else if (collect(world, invoice, 'absent') === 'processing') activate(world, subscription);
  }
  planAhead(world, subscription);
  return subscription;
}

// A bank debit that takes days does not keep the customer waiting.
function activate(world: World, subscription: StoredSubscription): void {
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.status = 'active';
  });
}

function firstInvoice(world: World, subscription: StoredSubscription): StoredInvoice {
  const now = world.clock.now;
  const invoice = buildInvoice(world, {
    subscription,
    reason: 'subscription_create',
    lines: periodLines(world, subscription),
    period: { start: now, end: now },
  });
  return keepInvoice(world, subscription, invoice);
}
