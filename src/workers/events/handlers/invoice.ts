import {
  type PlanType,
  type Subscription,
  UNCONFIRMED_LINK,
  type User,
} from '../../../shared/entities/index.ts';
import { toMajorUnits } from '../../../shared/money.ts';
import {
  type InvoiceFacts,
  readInvoice,
  type SubscriptionFacts,
} from '../../../shared/stripe/facts/index.ts';
import { isSoldByUs, ownerOf, userIdIn } from '../books/customer-link.ts';
import { type BookableInvoice, bookInvoice } from '../books/payment-book.ts';
import {
  activateByPayment,
  bookSubscription,
  claimPaidPeriod,
  endDunning,
  noteFailedAttempt,
  withdrawClaim,
} from '../books/subscription-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';
import type { Touches } from '../ledger/index.ts';
import type { StripeReads } from '../stripe-reads.ts';

/** `invoice.paid`, `invoice.payment_succeeded`: both tell of one payment; whichever comes first books it. */
export const onInvoicePaid = handler({ read: readInvoice, touches: touchesOf, apply: settled });

/** `invoice.payment_failed`: an attempt at collecting failed; Stripe may try again. */
export const onInvoicePaymentFailed = handler<Attempt>({
  read: (object) => ({ ...readInvoice(object), explained: false }),
  complete: explain,
  touches: touchesOf,
  apply: async (facts, desk) =>
    apply(isExplained(facts, desk) ? facts : await explain(facts, desk.reads), desk, failed),
});

/** `invoice.payment_action_required`: the bank wants the payer to confirm (3-D Secure). */
export const onInvoiceActionRequired = handler({
  read: readInvoice,
  touches: touchesOf,
  apply: (facts, desk) => apply(facts, desk, actionRequired),
});

/** `invoice.voided`, `invoice.marked_uncollectible`: nothing more will be collected. Tells of no payment by itself. */
export const onInvoiceClosed = handler({
  read: readInvoice,
  touches: touchesOf,
  apply: (facts, desk) => apply(facts, desk, closed),
});

/** An attempt at collecting an invoice, and whether Stripe was asked about its intent. */
type Attempt = InvoiceFacts & { explained: boolean };

/**
 * No version's payload says why the payment failed, and none since basil which intent it was: that intent has a row
 * of its own, which nothing else would ever join to the invoice's while it is not paid.
 */
async function explain(facts: Attempt, reads: StripeReads): Promise<Attempt> {
  if (facts.id === null) return facts;
  const { intentId, chargeId, failureReason } = (await reads.invoice(facts.id)).facts;
  return { ...facts, intentId, chargeId, failureReason, explained: true };
}

function isExplained(facts: Attempt, { ledger }: Desk): boolean {
  if (facts.explained || facts.id === null) return true;
  for (const row of ledger.payments()) {
    const same = row.stripeInvoiceId === facts.id || row.stripePaymentIntentId === facts.intentId;
    if (same && row.failureReason != null) return true;
  }
  return false;
}

function touchesOf(facts: InvoiceFacts): Touches {
  return {
    customer: facts.customerId,
    subscription: facts.subscriptionId,
    invoices: [facts.id],
    intent: facts.intentId,
    charge: facts.chargeId,
    user: userIdIn(facts.subscriptionMetadata),
    email: facts.customerEmail,
  };
}

type Effect = (desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription) => void;

function settled(facts: InvoiceFacts, desk: Desk): Promise<Verdict> {
  return apply(facts, desk, paid);
}

/**
 * Finds whose invoice it is and what subscription it is for, then lets the effect happen. An invoice for no subscription
 * of ours is another shop's, whoever's customer it bills.
 */
async function apply(facts: InvoiceFacts, desk: Desk, effect: Effect): Promise<Verdict> {
  if (facts.id === null) return IGNORED;
  const invoice: BookableInvoice = { ...facts, id: facts.id };
  const isBooked = desk.ledger.hasPaymentOfInvoice(invoice.id);
  if (facts.subscriptionId === null && !isBooked) return IGNORED;
  const row = desk.ledger.subscription(facts.subscriptionId);
  const missing = row === undefined && facts.subscriptionId !== null ? facts.subscriptionId : null;
  // The invoice came before its subscription: Stripe knows it, and knows whether it is one of ours.
  const snapshot = missing === null ? null : await desk.reads.subscription(missing);
  const plan = snapshot === null ? null : await planOf(snapshot.facts, desk);
  if (snapshot !== null && plan === null && !isBooked) return IGNORED;
  const metadata = { ...snapshot?.facts.metadata, ...facts.subscriptionMetadata };
  const proofs = { metadata, email: facts.customerEmail };
  const owner = desk.ledger.user(row?.userId) ?? ownerOf(desk, facts.customerId, proofs);
  if (!owner) return facts.customerId === null ? IGNORED : parkedFor(facts.customerId);
  const subscription = snapshot && plan ? await bookSubscription(desk, owner, plan, snapshot) : row;
  effect(desk, invoice, owner, subscription);
  if (subscription) desk.ledger.touchUser(subscription.userId);
  return APPLIED;
}

function planOf(facts: SubscriptionFacts, desk: Desk): Promise<PlanType | null> {
  return desk.catalog.planOf(facts, isSoldByUs(desk.ledger.customer(facts.customerId), facts), desk.reads);
}

function paid(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  if (subscription && invoice.servicePeriod) {
    claimPaidPeriod(subscription, invoice.servicePeriod.end, invoice.created);
    activateByPayment(desk, subscription);
  }
  if (subscription) endDunning(subscription, invoice);
  // Trials and full discounts make invoices of nothing: they extend premium, but nobody paid.
  if (invoice.amountPaid === 0) return;
  const payment = bookInvoice(desk, owner, invoice);
  desk.ledger.announce({
    fact: `payment_succeeded:${invoice.id}`,
    userId: payment.userId,
    type: 'payment_succeeded',
    data: {
      message: 'Paiement effectué avec succès!',
      amount: toMajorUnits(invoice.amountPaid, invoice.currency),
      currency: invoice.currency,
      invoice_id: invoice.id,
    },
  });
}

function failed(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  const payment = bookInvoice(desk, owner, invoice);
  if (payment.status === 'succeeded') return;
  if (subscription) {
    noteFailedAttempt(subscription, invoice, desk.event.created);
    if (invoice.servicePeriod) withdrawClaim(subscription, invoice.servicePeriod);
  }
  desk.ledger.announce({
    fact: `payment_failed:${invoice.id}:${invoice.attemptCount}`,
    userId: payment.userId,
    type: 'payment_failed',
    data: {
      message: 'Échec du paiement',
      reason: payment.failureReason ?? 'Le paiement a été refusé.',
      amount: toMajorUnits(invoice.amountDue, invoice.currency),
      currency: invoice.currency,
      invoice_id: invoice.id,
      ...(invoice.nextAttemptAt ? { next_attempt: invoice.nextAttemptAt.toISOString() } : {}),
    },
  });
}

function actionRequired(desk: Desk, invoice: BookableInvoice, owner: User): void {
  const payment = bookInvoice(desk, owner, invoice);
  if (payment.status === 'succeeded') return;
  // The link leads to the payer's name and address, and only a typed address says that this is the payer.
  if (desk.ledger.customer(invoice.customerId)?.linkedBy === UNCONFIRMED_LINK) return;
  desk.ledger.announce({
    fact: `payment_action_required:${invoice.id}:${invoice.attemptCount}`,
    userId: payment.userId,
    type: 'payment_action_required',
    data: {
      message: 'Votre banque demande une confirmation du paiement.',
      url: invoice.hostedInvoiceUrl,
      amount: toMajorUnits(invoice.amountDue, invoice.currency),
      currency: invoice.currency,
      invoice_id: invoice.id,
    },
  });
}

function closed(desk: Desk, invoice: BookableInvoice, owner: User): void {
  if (desk.ledger.hasPaymentOfInvoice(invoice.id)) bookInvoice(desk, owner, invoice);
}
