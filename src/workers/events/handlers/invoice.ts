import type { Subscription, User } from '../../../shared/entities/index.ts';
import { toMajorUnits } from '../../../shared/money.ts';
import { type InvoiceFacts, readInvoice, servicePeriodOf } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn } from '../books/customer-link.ts';
import { type BookableInvoice, bookInvoice, isSettled } from '../books/payment-book.ts';
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
export const onInvoicePaid = handler({
  read: readInvoice,
  complete: withAllLines,
  touches: touchesOf,
  apply: (facts, desk) => apply(facts, desk, paid),
});

/** `invoice.payment_failed`: an attempt at collecting failed; Stripe may try again. */
export const onInvoicePaymentFailed = handler<Attempt>({
  read: (object) => ({ ...readInvoice(object), now: null }),
  complete: async (facts, reads) => explain(await withAllLines(facts, reads), reads),
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

/** An attempt at collecting an invoice, and the invoice as it was when Stripe was asked about the attempt. */
type Attempt = InvoiceFacts & { now: InvoiceFacts | null };

/**
 * No version's payload says why the payment failed, and none since basil which intent it was: that intent has a row
 * of its own, which nothing else would ever join to the invoice's while it is not paid. By now the invoice may have been
 * paid by another one.
 */
async function explain(facts: Attempt, reads: StripeReads): Promise<Attempt> {
  if (facts.id === null) return facts;
  const now = (await reads.invoice(facts.id)).facts;
  const { payments, chargeId } = now;
  const unpaid = payments.filter(({ status }) => status !== 'paid');
  const tried = unpaid.find(({ intentId }) => intentId === now.intentId) ?? unpaid.at(-1);
  const intentId = tried?.intentId ?? (payments.length === 0 ? now.intentId : null);
  const failureReason = tried?.failureReason ?? now.failureReason;
  return { ...facts, payments, intentId, chargeId, failureReason, now };
}

/** A payload holds ten lines at most, and the subscription's own may be any of all. */
async function withAllLines<F extends InvoiceFacts>(facts: F, reads: StripeReads): Promise<F> {
  if (!facts.hasMoreLines || facts.id === null) return facts;
  const lines = await reads.invoiceLines(facts.id);
  const subscriptionId =
    facts.subscriptionId ?? lines.map((line) => line.subscriptionId).find((id) => id !== null) ?? null;
  return { ...facts, lines, hasMoreLines: false, subscriptionId };
}

function isExplained(facts: Attempt, { ledger }: Desk): boolean {
  if (facts.now !== null || facts.id === null) return true;
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
    intents: facts.payments.map(({ intentId }) => intentId),
    charge: facts.chargeId,
    user: userIdIn(facts.subscriptionMetadata),
    email: facts.customerEmail,
  };
}

type Effect<F extends InvoiceFacts> = (
  desk: Desk,
  invoice: F & BookableInvoice,
  owner: User,
  subscription?: Subscription,
) => void;

/** Finds whose invoice it is and what subscription it is for, then lets the effect happen. */
async function apply<F extends InvoiceFacts>(told: F, desk: Desk, effect: Effect<F>): Promise<Verdict> {
  if (told.id === null) return IGNORED;
  const facts = await withAllLines(told, desk.reads);
  const hints = { metadata: facts.subscriptionMetadata, email: facts.customerEmail };
  const row = desk.ledger.subscription(facts.subscriptionId);
  const missing = row === undefined && facts.subscriptionId !== null ? facts.subscriptionId : null;
  // The invoice came before its subscription: Stripe knows it, and knows whether it is one of ours.
  const snapshot = missing === null ? null : await desk.reads.subscription(missing);
  const plan = snapshot === null ? null : await desk.catalog.planOf(snapshot.facts, false, desk.reads);
  const owner = desk.ledger.user(row?.userId) ?? ownerOf(desk, facts.customerId, hints);
  if (!owner) return facts.customerId === null ? IGNORED : parkedFor(facts.customerId);
  const subscription = snapshot && plan ? await bookSubscription(desk, owner, plan, snapshot) : row;
  const servicePeriod = servicePeriodOf(
    facts.lines,
    facts.subscriptionId,
    (line) => desk.catalog.isPremium(line) || line.priceId === subscription?.stripePriceId,
  );
  effect(desk, { ...facts, id: told.id, servicePeriod }, owner, subscription);
  if (subscription) desk.ledger.touchUser(subscription.userId);
  return APPLIED;
}

function paid(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  if (subscription && invoice.servicePeriod && !hadEnded(subscription, invoice)) {
    claimPaidPeriod(subscription, invoice.servicePeriod.end, invoice.created);
    activateByPayment(desk, subscription);
  }
  if (subscription) endDunning(subscription, invoice);
  // Trials and full discounts make invoices of nothing: they extend premium, but nobody paid. What somebody was asked
  // to pay before a credit note or their balance did is settled by that.
  if (invoice.amountPaid === 0) {
    settledWithoutMoney(desk, invoice, owner);
    return;
  }
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

/** Whether the subscription was over before its invoice was paid: such money buys no time, nor a second end of it. */
function hadEnded({ endedAt }: Subscription, { paidAt }: BookableInvoice): boolean {
  return endedAt != null && paidAt !== null && endedAt < paidAt;
}

function settledWithoutMoney(desk: Desk, invoice: BookableInvoice, owner: User): void {
  if (desk.ledger.hasPaymentOfInvoice(invoice.id)) bookInvoice(desk, owner, invoice);
}

function failed(
  desk: Desk,
  { now, ...invoice }: Attempt & BookableInvoice,
  owner: User,
  subscription?: Subscription,
): void {
  const payment = bookInvoice(desk, owner, invoice);
  // Without a payment on the books, the event that told of its end found nothing to close.
  if (now && isOverWithoutMoney(now)) bookInvoice(desk, owner, { ...now, id: invoice.id });
  if (isSettled(payment)) return;
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

function isOverWithoutMoney({ status, amountPaid }: InvoiceFacts): boolean {
  return status === 'void' || status === 'uncollectible' || (status === 'paid' && amountPaid === 0);
}

function actionRequired(desk: Desk, invoice: BookableInvoice, owner: User): void {
  const payment = bookInvoice(desk, owner, invoice);
  if (isSettled(payment)) return;
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
