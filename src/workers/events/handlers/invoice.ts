import type { Subscription, User } from '../../../shared/entities/index.ts';
import { toMajorUnits } from '../../../shared/money.ts';
import { type InvoiceFacts, readInvoice, servicePeriodOf } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn } from '../books/customer-link.ts';
import {
  isFirstInvoice,
  mayBeOvertaken,
  noteFinalizationFailure,
  noteInvoice,
} from '../books/latest-invoice.ts';
import { type BookableInvoice, bookInvoice, isSettled } from '../books/payment-book.ts';
import { announcePendingDebit } from '../books/pending-debit.ts';
import {
  activateByPayment,
  bookSubscription,
  claimPaidPeriod,
  endDunning,
  noteFailedAttempt,
  noteFirstUnpaid,
  withdrawClaim,
} from '../books/subscription-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';
import type { Touches } from '../ledger/index.ts';
import type { StripeReads } from '../stripe-reads.ts';

/**
 * `invoice.finalized`: a draft has become an invoice, which is collected from now on. One that costs nothing, or was
 * paid before the subscription was made, says `paid` at once. What was heard of later events goes before it.
 */
export const onInvoiceFinalized = handler({
  read: readInvoice,
  touches: touchesOf,
  apply: async (facts, desk) => {
    const current = await asItIs(facts, desk);
    return apply(current, desk, EFFECTS[current.status] ?? nothing);
  },
});

/** `invoice.finalization_failed`: the draft stays one, and nothing is collected until somebody mends the cause. */
export const onInvoiceFinalizationFailed = handler({
  read: readInvoice,
  touches: touchesOf,
  apply: (facts, desk) => apply(facts, desk, notFinalized),
});

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
  apply: async (facts, desk) => {
    const attempt = isExplained(facts, desk) ? facts : await explain(facts, desk.reads);
    return apply(attempt, desk, failed, desk.event.created);
  },
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

function isExplained(facts: Attempt, { ledger, event }: Desk): boolean {
  if (facts.now !== null || facts.id === null) return true;
  // What Stripe called active after that was paid since, or its debit came back and it only seems to go on.
  const row = ledger.subscription(facts.subscriptionId);
  const isActiveSince =
    row?.stripeStatus === 'active' && row.snapshotAt != null && row.snapshotAt > event.created;
  if (isFirstInvoice(facts) && isActiveSince) return false;
  for (const row of ledger.payments()) {
    const same = row.stripeInvoiceId === facts.id || row.stripePaymentIntentId === facts.intentId;
    if (same && row.failureReason != null) return true;
  }
  return false;
}

/** The invoice as it is now, where the payload's word that it is open may be overtaken and no payment shows how far. */
async function asItIs(facts: InvoiceFacts, { ledger, reads }: Desk): Promise<InvoiceFacts> {
  if (facts.id === null || facts.status !== 'open' || ledger.hasPaymentOfInvoice(facts.id)) return facts;
  const row = ledger.subscription(facts.subscriptionId);
  return mayBeOvertaken(row, facts) ? (await reads.invoice(facts.id)).facts : facts;
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

type Effect<F extends InvoiceFacts = InvoiceFacts> = (
  desk: Desk,
  invoice: F & BookableInvoice,
  owner: User,
  subscription?: Subscription,
) => void;

/**
 * Finds whose invoice it is and what subscription it is for, then lets the effect happen.
 * @param failedAt when an attempt at collecting it failed, where that is what the event tells
 */
async function apply<F extends InvoiceFacts>(
  told: F,
  desk: Desk,
  effect: Effect<F>,
  failedAt: Date | null = null,
): Promise<Verdict> {
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
  const invoice = { ...facts, id: told.id, servicePeriod };
  if (subscription) noteInvoice(subscription, invoice, failedAt);
  effect(desk, invoice, owner, subscription);
  if (subscription) desk.ledger.touchUser(subscription.userId);
  return APPLIED;
}

function paid(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  if (subscription && invoice.servicePeriod) {
    const { servicePeriod, created, paidAt } = invoice;
    const until = endOfClaim(invoice, subscription);
    claimPaidPeriod(subscription, { until, created, from: servicePeriod.start, paidAt });
    activateByPayment(desk, subscription);
  }
  if (subscription) {
    endDunning(subscription, invoice);
    if (isFirstInvoice(invoice)) subscription.firstUnpaidAt = null;
  }
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

/** An invoice of nothing for a trial that was cut short since claims no more of it than there is. */
function endOfClaim({ servicePeriod, amountPaid }: BookableInvoice, { trialEnd }: Subscription): Date {
  const { start, end } = servicePeriod ?? {};
  if (start === undefined || end === undefined) throw new Error('Only an invoice for a period claims one');
  const isCutShort = amountPaid === 0 && trialEnd != null && start < trialEnd && trialEnd < end;
  return isCutShort ? trialEnd : end;
}

/** Open from now on: shown as pending until money or a failure says more. Where nothing is due nobody pays. */
function opened(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  if (subscription === undefined || invoice.amountDue === 0) return;
  announcePendingDebit(desk, bookInvoice(desk, owner, invoice));
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
  const payment = bookInvoice(desk, owner, invoice, Math.max(1, invoice.attemptCount));
  // Without a payment on the books, the event that told of its end found nothing to close.
  if (now && isOverWithoutMoney(now)) bookInvoice(desk, owner, { ...now, id: invoice.id });
  if (isSettled(payment) || now?.status === 'paid') return;
  if (subscription && isFirstInvoice(invoice)) noteFirstUnpaid(subscription, invoice, desk.event.created);
  else if (subscription) {
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

/**
 * Nothing more will be collected. Where it was never tried there was no payment: one that was expected is taken back.
 */
function closed(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  const isOursAndTried = subscription !== undefined && invoice.attempted;
  if (isOursAndTried || desk.ledger.hasPaymentOfInvoice(invoice.id)) {
    const payment = bookInvoice(desk, owner, invoice);
    if (payment.status === 'succeeded') return;
    const isUntried = !invoice.attempted && payment.attemptCount === 0 && payment.intentStatus == null;
    if (isUntried) desk.ledger.removePayment(payment);
  }
  if (subscription && isFirstInvoice(invoice)) noteFirstUnpaid(subscription, invoice, desk.event.created);
}

/** The operator sees it at attention; the user is asked where they can help. Premium goes on as for any draft. */
function notFinalized(desk: Desk, invoice: BookableInvoice, owner: User, subscription?: Subscription): void {
  if (subscription === undefined) return;
  if (!noteFinalizationFailure(subscription, invoice, desk.event.created)) return;
  desk.logger.error(
    {
      invoice: invoice.id,
      subscription: subscription.stripeSubscriptionId,
      reason: invoice.finalizationError,
    },
    `Stripe cannot finalise invoice ${invoice.id} and will not charge it (${invoice.finalizationError}); mend the ` +
      'cause, then finalise it at Stripe',
  );
  desk.ledger.announce({
    fact: `payment_action_required:${invoice.id}:finalization`,
    userId: owner.id,
    type: 'payment_action_required',
    data: {
      message: invoice.lacksTaxLocation
        ? 'Il manque votre adresse de facturation pour renouveler votre abonnement. Complétez-la depuis la page de ' +
          'gestion de votre abonnement.'
        : 'Votre abonnement ne peut pas être renouvelé en l’état. Vérifiez vos informations de facturation depuis la ' +
          'page de gestion de votre abonnement.',
      // Stripe's page of an invoice exists from finalisation on.
      url: null,
      amount: toMajorUnits(invoice.amountDue, invoice.currency),
      currency: invoice.currency,
      invoice_id: invoice.id,
    },
  });
}

function nothing(): void {}

/** What an invoice's status alone says, for an event that tells no more. */
const EFFECTS: Readonly<Record<string, Effect>> = { open: opened, paid, void: closed, uncollectible: closed };
