import type { Payment, PaymentStatus, User } from '../../../shared/entities/index.ts';
import type { IntentFacts, InvoiceFacts } from '../../../shared/stripe/facts/index.ts';
import type { Desk } from '../desk.ts';
import { provisionalIntentId } from '../ledger/index.ts';

/** What linking needs of a desk: it also happens without an event. */
export type LinkingDesk = Pick<Desk, 'ledger' | 'clock'>;

/** An invoice that exists (`invoice.upcoming` describes one that does not yet). */
export type BookableInvoice = InvoiceFacts & { id: string };

/**
 * Books what an invoice says of its payments. Every field moves one way only (statuses by rank, counts upwards), so
 * the order in which an invoice's events arrive does not matter.
 * @param failedAttempts as many attempts as are known to have failed: a bank debit under way counts as one at Stripe
 * @returns the payment that the event is about, where the invoice has several
 */
export function bookInvoice(desk: Desk, user: User, facts: BookableInvoice, failedAttempts = 0): Payment {
  const named = paymentNamedBy(desk, user, facts);
  if (facts.intentId !== null) noteLink(desk, facts.id, facts.intentId);
  if (facts.intentId === null || named.stripePaymentIntentId === facts.intentId) {
    named.stripeChargeId ??= facts.chargeId;
    named.failureReason ??= facts.failureReason;
  }
  for (const { intentId, status, amountPaid } of facts.payments) {
    linkIntent(desk, facts.id, intentId, status === 'paid' ? { amount: amountPaid } : undefined);
  }
  for (const row of rowsOf(desk, facts.id)) bookInvoiceFacts(desk, row, facts, failedAttempts);
  const rows = settle(desk, facts.id);
  return rows.find((row) => row === named) ?? rows[0] ?? named;
}

/**
 * The row of the intent that the facts name, made where there is none. A settled invoice gets no more rows for what
 * they name: since basil nobody says whether that was what paid it, and before, an invoice named its first intent only.
 */
function paymentNamedBy(desk: Desk, user: User, facts: BookableInvoice): Payment {
  const rows = rowsOf(desk, facts.id);
  const intentId = facts.intentId ?? onlyOne(desk.ledger.intentsOfInvoice(facts.id));
  const ofIntent = intentId === null ? undefined : takeIntoInvoice(desk, facts.id, intentId);
  if (ofIntent) return ofIntent;
  const [first] = rows;
  if (first && (facts.intentId === null || isCovered(rows, facts))) return first;
  return addPayment(desk, {
    user,
    invoiceId: facts.id,
    intentId,
    amount: facts.amountDue,
    currency: facts.currency,
    createdAt: facts.created,
    livemode: desk.event.livemode,
  });
}

function bookInvoiceFacts(desk: Desk, row: Payment, facts: BookableInvoice, failedAttempts: number): void {
  const rank = invoiceRank(facts.status);
  const held = row.invoiceStatus == null ? -1 : invoiceRank(row.invoiceStatus);
  if (rank >= held) {
    row.invoiceStatus = facts.status;
    row.invoiceSnapshotAt = desk.event.created;
    row.settledBy = facts.settledBy;
    if (facts.status === 'paid') row.paidAt = facts.paidAt ?? row.paidAt ?? desk.event.created;
    // What the intent moved is the truth about the money; an invoice's figures stand in until it is known.
    if (row.intentStatus == null && (facts.status !== 'paid' || facts.amountPaid > 0)) {
      row.amount = facts.status === 'paid' ? facts.amountPaid : facts.amountDue;
    }
  }
  if (failedAttempts >= row.attemptCount) {
    row.attemptCount = failedAttempts;
    if (rank >= held) row.nextAttemptAt = facts.nextAttemptAt;
  }
  if (row.invoiceStatus === 'void' || row.invoiceStatus === 'uncollectible') row.nextAttemptAt = null;
  row.stripeInvoiceId = facts.id;
  row.stripeSubscriptionId ??= facts.subscriptionId;
  row.subscriptionId ??= desk.ledger.subscription(facts.subscriptionId)?.id ?? null;
  row.stripeCustomerId ??= facts.customerId;
  row.coversUntil = facts.servicePeriod?.end ?? row.coversUntil;
  // The invoice's age is the payment's: an intent may be older (confirmed at checkout) or younger (a renewal's).
  row.createdAt = facts.created;
  row.awaitingInvoice = false;
}

/** Where an invoice is on its one-way road. `uncollectible` can still be paid; `paid` and `void` are final. */
export function invoiceRank(status: string | null | undefined): number {
  return status == null ? -1 : ['draft', 'open', 'uncollectible', 'void', 'paid'].indexOf(status);
}

/** Statuses an intent never leaves. */
export function isFinalIntent(status: string | null | undefined): boolean {
  return status === 'succeeded' || status === 'canceled';
}

/** Whether nothing is left to be collected for this payment, with or without money. */
export function isSettled(payment: Payment): boolean {
  return payment.status === 'succeeded' || payment.invoiceStatus === 'paid';
}

/**
 * Books what a payment intent says. The caller has made sure that the facts are newer than what the row holds.
 * @returns undefined for an intent that did not pay an invoice which is paid: another one did
 */
export function bookIntent(desk: Desk, user: User, facts: IntentFacts, seenAt: Date): Payment | undefined {
  const invoiceId = facts.invoiceId ?? desk.ledger.invoiceOfIntent(facts.id);
  if (invoiceId !== null) noteLink(desk, invoiceId, facts.id);
  const paidOtherwise =
    facts.status !== 'succeeded' &&
    invoiceId !== null &&
    rowsOf(desk, invoiceId).some((row) => row.invoiceStatus === 'paid');
  const found =
    invoiceId === null || paidOtherwise
      ? rowOfIntent(desk, facts.id)
      : takeIntoInvoice(desk, invoiceId, facts.id);
  if (!found && paidOtherwise) return undefined;
  const row =
    found ??
    addPayment(desk, {
      user,
      invoiceId,
      intentId: facts.id,
      amount: facts.amount,
      currency: facts.currency,
      createdAt: facts.created,
      livemode: desk.event.livemode,
    });
  row.intentStatus = facts.status;
  row.intentSnapshotAt = seenAt;
  row.amount = facts.amount;
  row.currency = facts.currency;
  row.stripeChargeId = facts.chargeId ?? row.stripeChargeId;
  row.stripeCustomerId ??= facts.customerId;
  row.paymentMethodType = facts.paymentMethodType ?? row.paymentMethodType;
  row.failureReason = facts.failureReason ?? row.failureReason;
  if (row.invoiceStatus == null) row.createdAt = facts.created;
  if (row.stripeInvoiceId == null) row.awaitingInvoice = !facts.namesInvoice;
  deriveStatus(row);
  if (invoiceId === null) return row;
  return settle(desk, invoiceId).find((each) => each === row);
}

/**
 * Remembers which invoice an intent is for, and makes one row of the two that may stand for it already.
 * @param paid that the intent has paid it (all of it, or a part), and how much where that was told (minor units)
 */
export function linkIntent(
  desk: LinkingDesk,
  invoiceId: string,
  intentId: string,
  paid?: { amount: number | null },
): void {
  noteLink(desk, invoiceId, intentId);
  const row = takeIntoInvoice(desk, invoiceId, intentId) ?? (paid && payerBeside(desk, invoiceId, intentId));
  if (!row) return;
  if (paid && row.intentStatus !== 'succeeded') {
    row.intentStatus = 'succeeded';
    row.amount = paid.amount ?? row.amount;
  }
  row.stripeInvoiceId = invoiceId;
  row.awaitingInvoice = false;
  settle(desk, invoiceId);
}

/** The payment of a charge, by the charge or by its intent. */
export function paymentOfCharge(
  desk: Desk,
  chargeId: string | null,
  intentId: string | null,
): Payment | undefined {
  for (const row of desk.ledger.payments()) {
    if (intentId !== null && row.stripePaymentIntentId === intentId) return row;
    if (chargeId !== null && row.stripeChargeId === chargeId) return row;
  }
  return undefined;
}

function noteLink({ ledger, clock }: LinkingDesk, invoiceId: string, intentId: string): void {
  if (ledger.invoiceOfIntent(intentId) === null) ledger.link(invoiceId, intentId, clock.now());
}

/** Everything that stands for an invoice: a row for each of its intents, or a provisional one while none is known. */
function rowsOf({ ledger }: LinkingDesk, invoiceId: string): Payment[] {
  return [...ledger.payments()].filter(
    (row) => row.stripeInvoiceId === invoiceId || isProvisional(row, invoiceId),
  );
}

function isProvisional(row: Payment, invoiceId: string): boolean {
  return row.stripePaymentIntentId === provisionalIntentId(invoiceId);
}

function rowOfIntent({ ledger }: LinkingDesk, intentId: string): Payment | undefined {
  return [...ledger.payments()].find((row) => row.stripePaymentIntentId === intentId);
}

/** The row of an intent of this invoice: its own, which joins the invoice's, or the provisional one, now under its id. */
function takeIntoInvoice(desk: LinkingDesk, invoiceId: string, intentId: string): Payment | undefined {
  const own = rowOfIntent(desk, intentId);
  if (own) {
    own.stripeInvoiceId = invoiceId;
    own.awaitingInvoice = false;
    return own;
  }
  const provisional = rowsOf(desk, invoiceId).find((row) => isProvisional(row, invoiceId));
  if (!provisional) return undefined;
  provisional.stripePaymentIntentId = intentId;
  desk.ledger.appeared(intentId);
  return provisional;
}

/** A row for an intent that paid an invoice which only others stand for so far. */
function payerBeside(desk: LinkingDesk, invoiceId: string, intentId: string): Payment | undefined {
  const [other] = rowsOf(desk, invoiceId);
  const user = desk.ledger.user(other?.userId);
  if (!other || !user) return undefined;
  const { amount, currency, createdAt, livemode } = other;
  return addPayment(desk, { user, invoiceId, intentId, amount, currency, createdAt, livemode });
}

/**
 * Makes the rows of an invoice agree: all know what any of them was told of it, and once it is paid only what paid it
 * stays. Several intents may have (partial payments); one that merely failed or was canceled is no payment then.
 * @returns the rows that stay, those that moved money first
 */
function settle(desk: LinkingDesk, invoiceId: string): Payment[] {
  const rows = rowsOf(desk, invoiceId);
  shareInvoice(rows, invoiceId);
  const isPaid = rows.some((row) => row.invoiceStatus === 'paid');
  const payers = rows.filter((row) => row.intentStatus === 'succeeded');
  const own = rows.filter((row) => !isProvisional(row, invoiceId));
  let staying = own.length > 0 ? own : rows;
  if (isPaid) staying = payers.length > 0 ? payers : staying.toSorted(byLikelihood).slice(0, 1);
  for (const row of rows) if (!staying.includes(row)) desk.ledger.removePayment(row);
  for (const row of staying) deriveStatus(row);
  return staying.toSorted((a, b) => Number(b.status === 'succeeded') - Number(a.status === 'succeeded'));
}

/** What is known of the invoice is true of each of its payments. */
function shareInvoice(rows: readonly Payment[], invoiceId: string): void {
  if (rows.length < 2) return;
  const [told] = rows.toSorted((a, b) => invoiceRank(b.invoiceStatus) - invoiceRank(a.invoiceStatus));
  if (told?.invoiceStatus == null) return;
  const attemptCount = Math.max(...rows.map((row) => row.attemptCount));
  for (const row of rows) {
    if (row === told) continue;
    if (row.intentStatus == null) row.amount = told.amount;
    row.stripeInvoiceId = told.stripeInvoiceId;
    row.invoiceStatus = told.invoiceStatus;
    row.invoiceSnapshotAt = told.invoiceSnapshotAt;
    row.settledBy = told.settledBy;
    row.paidAt = told.paidAt;
    row.coversUntil = told.coversUntil;
    row.nextAttemptAt = told.nextAttemptAt;
    row.subscriptionId ??= told.subscriptionId;
    row.stripeSubscriptionId ??= told.stripeSubscriptionId;
    if (isProvisional(told, invoiceId)) row.failureReason ??= told.failureReason;
    row.createdAt = told.createdAt;
    row.awaitingInvoice = false;
  }
  for (const row of rows) row.attemptCount = attemptCount;
}

/** Whichever of an invoice's intents is not known to have failed; any fixed choice among equals will do. */
function byLikelihood(a: Payment, b: Payment): number {
  const likelihood = Number(a.intentStatus != null) - Number(b.intentStatus != null);
  return likelihood || (a.stripePaymentIntentId < b.stripePaymentIntentId ? -1 : 1);
}

/** Whether what has been paid is all that the invoice asks for. */
function isCovered(rows: readonly Payment[], facts: BookableInvoice): boolean {
  const payers = rows.filter((row) => row.intentStatus === 'succeeded');
  if (rows.some((row) => row.invoiceStatus === 'paid')) return true;
  return payers.length > 0 && payers.reduce((sum, row) => sum + row.amount, 0) >= facts.amountDue;
}

function onlyOne(intents: readonly string[]): string | null {
  return intents.length === 1 ? (intents[0] ?? null) : null;
}

function addPayment(
  desk: LinkingDesk,
  origin: {
    user: User;
    invoiceId: string | null;
    intentId: string | null;
    amount: number;
    currency: string;
    createdAt: Date;
    livemode: boolean | null | undefined;
  },
): Payment {
  const row = desk.ledger.addPayment({
    userId: origin.user.id,
    stripePaymentIntentId: origin.intentId ?? provisionalIntentId(origin.invoiceId ?? ''),
    stripeInvoiceId: origin.invoiceId,
    amount: origin.amount,
    currency: origin.currency,
    status: 'pending',
    createdAt: origin.createdAt,
    attemptCount: 0,
    awaitingInvoice: false,
    amountRefunded: 0,
    livemode: origin.livemode,
  });
  if (origin.intentId !== null) desk.ledger.appeared(origin.intentId);
  return row;
}

/** One word for what the intent and the invoice say together. */
function deriveStatus(row: Payment): void {
  row.status = statusOf(row);
  if (row.status === 'succeeded') row.failureReason = null;
  if (row.status === 'succeeded' || row.status === 'canceled') row.nextAttemptAt = null;
}

function statusOf(row: Payment): PaymentStatus {
  if (row.intentStatus === 'succeeded') return 'succeeded';
  // Credited or set off: nobody has to pay it any more, and nobody did.
  const withoutMoney = row.settledBy === 'credit_note' || row.settledBy === 'balance';
  if (row.invoiceStatus === 'paid') return withoutMoney ? 'canceled' : 'succeeded';
  if (row.intentStatus === 'canceled' || row.invoiceStatus === 'void') return 'canceled';
  if (row.invoiceStatus === 'uncollectible') return 'failed';
  // The debit that is with the bank counts, not the attempt before it.
  if (row.intentStatus === 'processing') return 'pending';
  if (row.attemptCount > 0) return 'failed';
  return row.intentStatus === 'requires_payment_method' && row.failureReason != null ? 'failed' : 'pending';
}
