import { emit, update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import type { StoredInvoice, StoredInvoicePayment, StoredPaymentIntent } from '../state/tables.ts';
import type { World } from '../world.ts';
import { invoicePaidBy, linkPayment, subscriptionPaid } from './collecting.ts';
import { cancelIntent } from './intents.ts';
import { markPaid, stopCollecting } from './invoices.ts';

/** Somebody says that an invoice was paid elsewhere: nothing is charged, and no attempt succeeded. */
export function payOutOfBand(world: World, invoice: StoredInvoice): void {
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.attempted = true;
    changed.amount_paid_off_stripe = changed.amount_remaining;
    markPaid(world, changed);
  });
  settled(world, invoice);
}

/**
 * Takes an amount (minor units) off an open invoice, before anybody paid it. One of which nothing is left is paid, though
 * nobody paid.
 */
export function creditOpenInvoice(world: World, invoice: StoredInvoice, amount: number): void {
  const isPaid = amount === invoice.amount_remaining;
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.pre_payment_credit_notes_amount += amount;
    changed.amount_due -= amount;
    changed.amount_remaining -= amount;
    if (isPaid) markPaid(world, changed);
  });
  if (isPaid) {
    settled(world, invoice);
    return;
  }
  for (const { intent } of openPayments(world, invoice)) intent.amount = invoice.amount_remaining;
}

/** Lets another intent pay an invoice, all of it or a part; the intent that it had until then is given up once all is paid. */
export function attachPayment(world: World, invoice: StoredInvoice, intent: StoredPaymentIntent): void {
  if (invoice.status !== 'open') {
    throw ApiError.invalid(
      `You can only attach a payment to an open invoice. This one is ${invoice.status}.`,
    );
  }
  if (invoicePaidBy(world, intent)) {
    throw ApiError.invalid(`${intent.id} is attached to an invoice already.`, 'payment_intent');
  }
  if (intent.status !== 'succeeded') {
    throw ApiError.invalid(
      `The sandbox attaches payments that have succeeded; ${intent.id} is ${intent.status}.`,
      'payment_intent',
    );
  }
  const payment = linkPayment(world, invoice, intent);
  payment.is_default = false;
  payment.status = 'paid';
  payment.amount_paid = Math.min(intent.amount_received, invoice.amount_remaining);
  payment.status_transitions.paid_at = world.clock.now;
  emit(world, 'invoice_payment.paid', payment);
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.amount_paid += payment.amount_paid ?? 0;
    changed.amount_remaining -= payment.amount_paid ?? 0;
    if (changed.amount_remaining === 0) markPaid(world, changed);
  });
  if (invoice.status === 'paid') settled(world, invoice, 'invoice.payment_succeeded');
}

/** @param also what is said besides `invoice.paid`: that an attempt succeeded, where one did */
function settled(world: World, invoice: StoredInvoice, also?: 'invoice.payment_succeeded'): void {
  stopCollecting(world, invoice);
  world.tables.dunningStep.delete(invoice.id);
  emit(world, 'invoice.paid', invoice);
  if (also) emit(world, also, invoice);
  for (const { payment, intent } of openPayments(world, invoice)) {
    payment.status = 'canceled';
    payment.status_transitions.canceled_at = world.clock.now;
    cancelIntent(world, intent, 'automatic');
  }
  subscriptionPaid(world, invoice);
}

function openPayments(
  world: World,
  invoice: StoredInvoice,
): { payment: StoredInvoicePayment; intent: StoredPaymentIntent }[] {
  return world.tables.invoicePayments
    .filter((payment) => payment.invoice === invoice.id && payment.status === 'open')
    .map((payment) => ({
      payment,
      intent: world.tables.paymentIntents.must(payment.payment.payment_intent),
    }));
}
