import type { EventHandler } from './desk.ts';
import { onCheckoutCompleted, onCheckoutExpired } from './handlers/checkout-session.ts';
import { onCreditNote } from './handlers/credit-note.ts';
import { onCustomerDeleted } from './handlers/customer.ts';
import {
  onInvoiceActionRequired,
  onInvoiceClosed,
  onInvoiceFinalizationFailed,
  onInvoiceFinalized,
  onInvoicePaid,
  onInvoicePaymentFailed,
} from './handlers/invoice.ts';
import { onInvoicePayment, onPaymentIntent } from './handlers/payment.ts';
import { onChargeRefunded, onDispute, onRefund } from './handlers/reversal.ts';
import { onSubscription, onTrialWillEnd } from './handlers/subscription.ts';

/** Every event type that does something here. Any other is recorded as received and ignored. */
const HANDLERS: Readonly<Record<string, EventHandler>> = {
  // Whose customer it is: ties a purchase to the user who began it.
  'checkout.session.completed': onCheckoutCompleted,
  'checkout.session.async_payment_succeeded': onCheckoutCompleted,
  'checkout.session.expired': onCheckoutExpired,
  // What is subscribed, in which state.
  'customer.subscription.created': onSubscription,
  'customer.subscription.updated': onSubscription,
  'customer.subscription.deleted': onSubscription,
  'customer.subscription.paused': onSubscription,
  'customer.subscription.resumed': onSubscription,
  'customer.subscription.trial_will_end': onTrialWillEnd,
  // What is going to be collected, and what cannot be. Never `invoice.created`: an endpoint that gets it and errs
  // delays every renewal.
  'invoice.finalized': onInvoiceFinalized,
  'invoice.finalization_failed': onInvoiceFinalizationFailed,
  // What was paid for, until when; both names of success, since endpoints may subscribe to either.
  'invoice.paid': onInvoicePaid,
  'invoice.payment_succeeded': onInvoicePaid,
  'invoice.payment_failed': onInvoicePaymentFailed,
  'invoice.payment_action_required': onInvoiceActionRequired,
  'invoice.voided': onInvoiceClosed,
  'invoice.marked_uncollectible': onInvoiceClosed,
  // What the money did, and the only link from it to its invoice since basil.
  'invoice_payment.paid': onInvoicePayment,
  'payment_intent.processing': onPaymentIntent,
  'payment_intent.succeeded': onPaymentIntent,
  'payment_intent.payment_failed': onPaymentIntent,
  'payment_intent.canceled': onPaymentIntent,
  // Money that went back. A refund's own events say when it failed after all.
  'charge.refunded': onChargeRefunded,
  'charge.refund.updated': onRefund,
  'refund.created': onRefund,
  'refund.updated': onRefund,
  'refund.failed': onRefund,
  'charge.dispute.created': onDispute,
  'charge.dispute.updated': onDispute,
  'charge.dispute.closed': onDispute,
  'charge.dispute.funds_withdrawn': onDispute,
  'charge.dispute.funds_reinstated': onDispute,
  // What was given back of an invoice, also where it was no refund.
  'credit_note.created': onCreditNote,
  'credit_note.updated': onCreditNote,
  'credit_note.voided': onCreditNote,
  // A customer deleted at the dashboard must not be charged or offered again.
  'customer.deleted': onCustomerDeleted,
};

/** The handler of a type, by exact name. */
export function handlerOf(type: string): EventHandler | undefined {
  return Object.hasOwn(HANDLERS, type) ? HANDLERS[type] : undefined;
}

/** The types an endpoint at Stripe has to subscribe to. */
export function handledTypes(): string[] {
  return Object.keys(HANDLERS);
}
