import { emit, update } from '../events/emit.ts';
import type {
  StoredInvoice,
  StoredInvoicePayment,
  StoredPaymentIntent,
  StoredPaymentMethod,
  StoredSubscription,
} from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancelSubscription } from './canceling.ts';
import {
  authenticateIntent,
  confirmIntent,
  createIntent,
  type Holder,
  type IntentResult,
  settleIntent,
  settlesWell,
} from './intents.ts';
import { markPaid, subscriptionOf, voidInvoice } from './invoices.ts';
import { resumedBy } from './resuming.ts';

export type CollectResult = 'paid' | 'failed' | 'requires_action' | 'processing';

/** Charges an invoice unless a credit has paid it already, and lets invoice, subscription and dunning follow from how it goes. */
export function collect(
  world: World,
  invoice: StoredInvoice,
  holder: Holder,
  chosen?: StoredPaymentMethod,
): CollectResult {
  if (invoice.status === 'paid') {
    subscriptionPaid(world, invoice);
    return 'paid';
  }
  const intent = intentOf(world, invoice) ?? openIntent(world, invoice);
  const method = chosen ?? methodFor(world, invoice);
  if (!method) return applyResult(world, invoice, intent, 'failed');
  return applyResult(world, invoice, intent, confirmIntent(world, intent, method, holder));
}

/** Gives an open invoice the intent that will pay it. */
export function openIntent(world: World, invoice: StoredInvoice): StoredPaymentIntent {
  const first = invoice.billing_reason === 'subscription_create';
  const intent = createIntent(world, {
    amount: invoice.amount_remaining,
    currency: invoice.currency,
    customer: invoice.customer,
    description: first ? 'Subscription creation' : 'Subscription update',
  });
  linkPayment(world, invoice, intent);
  return intent;
}

/** Records which intent an invoice is paid by. */
export function linkPayment(
  world: World,
  invoice: StoredInvoice,
  intent: StoredPaymentIntent,
): StoredInvoicePayment {
  return world.tables.invoicePayments.insert({
    id: `inpay_1${world.ids.text(23)}`,
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: intent.amount,
    created: world.clock.now,
    currency: intent.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { type: 'payment_intent', payment_intent: intent.id },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
}

/** The intent that Stripe made for an invoice, if it has one; others may pay it instead. */
export function intentOf(world: World, invoice: StoredInvoice): StoredPaymentIntent | null {
  const payment = paymentOf(world, invoice);
  return payment ? world.tables.paymentIntents.must(payment.payment.payment_intent) : null;
}

/** The intents that have paid an invoice, all of it or a part each. */
export function intentsThatPaid(world: World, invoice: StoredInvoice): StoredPaymentIntent[] {
  return world.tables.invoicePayments
    .filter((each) => each.invoice === invoice.id && each.status === 'paid')
    .map((each) => world.tables.paymentIntents.must(each.payment.payment_intent));
}

/** The invoice that an intent pays, if any. */
export function invoicePaidBy(world: World, intent: StoredPaymentIntent): StoredInvoice | null {
  const payment = world.tables.invoicePayments.find((each) => each.payment.payment_intent === intent.id);
  return payment ? world.tables.invoices.must(payment.invoice) : null;
}

/** The holder answers the bank's question about an invoice's payment. */
export function authenticateInvoice(world: World, invoice: StoredInvoice, accepted: boolean): CollectResult {
  const intent = intentOf(world, invoice);
  if (intent?.status !== 'requires_action') return invoice.status === 'paid' ? 'paid' : 'failed';
  return applyResult(world, invoice, intent, authenticateIntent(world, intent, accepted));
}

/** The bank reports on a delayed payment; `succeeds` overrides what the payment method is known for. */
export function settleInvoice(world: World, invoice: StoredInvoice, succeeds?: boolean): CollectResult {
  world.agenda.cancel(`settle:${invoice.id}`);
  const intent = intentOf(world, invoice);
  if (intent?.status !== 'processing') return invoice.status === 'paid' ? 'paid' : 'failed';
  const result = settleIntent(world, intent, succeeds ?? settlesWell(world, intent));
  // The attempt was counted when the debit was sent to the bank.
  return applyResult(world, invoice, intent, result, 0);
}

/**
 * What an attempt's result means for the invoice, its subscription, its customer and the retries to come.
 * @param attempts by how many it adds to the invoice's attempts
 */
export function applyResult(
  world: World,
  invoice: StoredInvoice,
  intent: StoredPaymentIntent,
  result: IntentResult,
  attempts = 1,
): CollectResult {
  switch (result) {
    case 'succeeded':
      invoicePaid(world, invoice, attempts);
      return 'paid';
    case 'processing':
      debitBegun(world, invoice);
      planSettlement(world, invoice);
      resumedBy(world, invoice, 'processing');
      return 'processing';
    case 'requires_action':
      emit(world, 'invoice.payment_action_required', invoice);
      attemptFailed(world, invoice, attempts);
      return 'requires_action';
    case 'failed':
      if (!intent.last_payment_error) intent.status = 'requires_payment_method';
      if (isFirstDebit(world, invoice, intent)) firstDebitReturned(world, invoice);
      else attemptFailed(world, invoice, attempts);
      return 'failed';
  }
}

/** A debit on its way to the bank is an attempt already, though nobody knows how it ends. */
export function debitBegun(world: World, invoice: StoredInvoice): void {
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.attempted = true;
    changed.attempt_count += 1;
    changed.next_payment_attempt = null;
  });
}

function isFirstDebit(world: World, invoice: StoredInvoice, intent: StoredPaymentIntent): boolean {
  const isFirst = invoice.billing_reason === 'subscription_create';
  return isFirst && isDebit(intent) && subscriptionOf(world, invoice).status === 'active';
}

function isDebit(intent: StoredPaymentIntent): boolean {
  return intent.last_payment_error?.payment_method?.type === 'sepa_debit';
}

/** Stripe voids the first invoice, and leaves the subscription active (docs.stripe.com/billing/subscriptions/overview). */
function firstDebitReturned(world: World, invoice: StoredInvoice): void {
  if (world.config.billing.announcesFirstDebitFailure) emit(world, 'invoice.payment_failed', invoice);
  voidInvoice(world, invoice);
}

/** Marks an invoice as paid and lifts what its being unpaid had caused. */
export function invoicePaid(world: World, invoice: StoredInvoice, attempts = 1): void {
  world.agenda.cancel(`retry:${invoice.id}`);
  world.tables.dunningStep.delete(invoice.id);
  const payment = paymentOf(world, invoice);
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.attempted = true;
    changed.attempt_count += attempts;
    markPaid(world, changed);
  });
  emit(world, 'invoice.paid', invoice);
  emit(world, 'invoice.payment_succeeded', invoice);
  if (payment) {
    payment.status = 'paid';
    payment.amount_paid = payment.amount_requested;
    payment.status_transitions.paid_at = world.clock.now;
    emit(world, 'invoice_payment.paid', payment);
  }
  subscriptionPaid(world, invoice);
}

/** The payment method an invoice is charged to: its own, its subscription's, else its customer's. */
export function methodFor(world: World, invoice: StoredInvoice): StoredPaymentMethod | null {
  const { tables } = world;
  const id =
    invoice.default_payment_method ??
    subscriptionOf(world, invoice).default_payment_method ??
    tables.customers.get(invoice.customer)?.invoice_settings.default_payment_method;
  return id ? (tables.paymentMethods.get(id) ?? null) : null;
}

/** Lifts what an unpaid invoice had caused, once it is paid. */
export function subscriptionPaid(world: World, invoice: StoredInvoice): void {
  const subscription = subscriptionOf(world, invoice);
  const customer = world.tables.customers.get(invoice.customer);
  if (customer?.delinquent && !owesAnything(world, customer.id)) {
    update(world, 'customer.updated', customer, (changed) => {
      changed.delinquent = false;
    });
  }
  if (resumedBy(world, invoice, 'paid')) return;
  const recovers = ['incomplete', 'past_due', 'unpaid'].includes(subscription.status);
  if (!recovers || subscription.latest_invoice !== invoice.id) return;
  world.agenda.cancel(`incomplete:${subscription.id}`);
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.status = 'active';
  });
}

function attemptFailed(world: World, invoice: StoredInvoice, attempts: number): void {
  const subscription = subscriptionOf(world, invoice);
  // The first invoice of an incomplete subscription is not retried: its customer is asked to try again.
  const isFirst = subscription.status === 'incomplete';
  const next = isFirst ? null : nextAttempt(world, invoice);
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.attempted = true;
    changed.attempt_count += attempts;
    changed.next_payment_attempt = next;
  });
  emit(world, 'invoice.payment_failed', invoice);
  if (isFirst) return;
  const wasResuming = resumedBy(world, invoice, 'failed');
  fallBehind(world, invoice, subscription);
  if (wasResuming && next === null) return;
  if (next !== null) {
    world.agenda.set(`retry:${invoice.id}`, next, () => collect(world, invoice, 'absent'));
  } else if (!wasDebit(world, invoice)) {
    giveUp(world, invoice, subscription);
  }
}

/** Whether the attempt that just failed was a bank debit: those are not retried by themselves. */
function wasDebit(world: World, invoice: StoredInvoice): boolean {
  const intent = intentOf(world, invoice);
  return intent !== null && isDebit(intent);
}

function nextAttempt(world: World, invoice: StoredInvoice): number | null {
  const planned = world.agenda.timeOf(`retry:${invoice.id}`);
  // A failed attempt by hand does not use up an automatic one.
  if (planned !== null) return planned;
  if (wasDebit(world, invoice)) return null;
  const step = world.tables.dunningStep.get(invoice.id) ?? 0;
  world.tables.dunningStep.set(invoice.id, step + 1);
  const wait = world.config.billing.retryAfterSeconds[step];
  return wait === undefined || !invoice.auto_advance ? null : world.clock.now + wait;
}

function fallBehind(world: World, invoice: StoredInvoice, subscription: StoredSubscription): void {
  const { status } = subscription;
  // The latest invoice decides: once that is paid, an older one that fails again changes nothing.
  if ((status === 'active' || status === 'trialing') && subscription.latest_invoice === invoice.id) {
    update(world, 'customer.subscription.updated', subscription, (changed) => {
      changed.status = 'past_due';
    });
  }
  const customer = world.tables.customers.get(subscription.customer);
  if (!customer) return;
  update(world, 'customer.updated', customer, (changed) => {
    changed.delinquent = true;
  });
}

function giveUp(world: World, invoice: StoredInvoice, subscription: StoredSubscription): void {
  if (subscription.status !== 'past_due') return;
  const { afterLastRetry } = world.config.billing;
  if (afterLastRetry === 'canceled') {
    cancelSubscription(world, subscription, 'payment_failed');
  } else if (afterLastRetry === 'unpaid') {
    update(world, 'invoice.updated', invoice, (changed) => {
      changed.auto_advance = false;
    });
    update(world, 'customer.subscription.updated', subscription, (changed) => {
      changed.status = 'unpaid';
    });
  }
}

function planSettlement(world: World, invoice: StoredInvoice): void {
  const at = world.clock.now + world.config.billing.delayedPaymentSeconds;
  world.agenda.set(`settle:${invoice.id}`, at, () => settleInvoice(world, invoice));
}

function owesAnything(world: World, customer: string): boolean {
  const owed = world.tables.invoices.find(
    (invoice) => invoice.customer === customer && invoice.status === 'open' && invoice.attempted,
  );
  return owed !== undefined;
}

function paymentOf(world: World, invoice: StoredInvoice): StoredInvoicePayment | undefined {
  return world.tables.invoicePayments.find((each) => each.invoice === invoice.id && each.is_default);
}
