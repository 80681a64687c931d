import type { Payment, PaymentStatus, User } from '../../../shared/entities/index.ts';
import type { IntentFacts, InvoiceFacts } from '../../../shared/stripe/facts/index.ts';
import type { Desk } from '../desk.ts';
import { provisionalIntentId } from '../ledger/index.ts';

/** What linking needs of a desk: it also happens without an event. */
export type LinkingDesk = Pick<Desk, 'ledger' | 'clock'>;

/** An invoice that exists (`invoice.upcoming` describes one that does not yet). */
export type BookableInvoice = InvoiceFacts & { id: string };

/**
 * Books what an invoice says of its payment. Every field moves one way only (statuses by rank, counts upwards), so
 * the order in which an invoice's events arrive does not matter.
 */
export function bookInvoice(desk: Desk, user: User, facts: BookableInvoice): Payment {
  if (facts.intentId !== null) linkIntent(desk, facts.id, facts.intentId);
  const row =
    findPayment(desk, facts.id, facts.intentId) ??
    addPayment(desk, user, {
      invoiceId: facts.id,
      intentId: facts.intentId ?? desk.ledger.intentOfInvoice(facts.id),
      amount: facts.amountDue,
      currency: facts.currency,
      createdAt: facts.created,
      awaitingInvoice: false,
    });
  const rank = invoiceRank(facts.status);
  const held = row.invoiceStatus == null ? -1 : invoiceRank(row.invoiceStatus);
  if (rank >= held) {
    row.invoiceStatus = facts.status;
    row.invoiceSnapshotAt = desk.event.created;
    // What the intent moved is the truth about the money; an invoice's figures stand in until it is known.
    if (row.intentStatus == null) row.amount = facts.status === 'paid' ? facts.amountPaid : facts.amountDue;
  }
  if (facts.attemptCount >= row.attemptCount) {
    row.attemptCount = facts.attemptCount;
    if (rank >= held) row.nextAttemptAt = facts.nextAttemptAt;
  }
  row.stripeInvoiceId = facts.id;
  row.stripeSubscriptionId ??= facts.subscriptionId;
  row.subscriptionId ??= desk.ledger.subscription(facts.subscriptionId)?.id ?? null;
  row.stripeCustomerId ??= facts.customerId;
  row.livemode ??= desk.event.livemode;
  row.stripeChargeId ??= facts.chargeId;
  row.failureReason ??= facts.failureReason;
  // The invoice's age is the payment's: an intent may be older (confirmed at checkout) or younger (a renewal's).
  row.createdAt = facts.created;
  row.awaitingInvoice = false;
  deriveStatus(row);
  return row;
}

/** Where an invoice is on its one-way road. `uncollectible` can still be paid; `paid` and `void` are final. */
function invoiceRank(status: string): number {
  return ['draft', 'open', 'uncollectible', 'void', 'paid'].indexOf(status);
}

/** Statuses an intent never leaves. */
export function isFinalIntent(status: string | null | undefined): boolean {
  return status === 'succeeded' || status === 'canceled';
}

/** Books what a payment intent says. The caller has made sure that the facts are newer than what the row holds. */
export function bookIntent(desk: Desk, user: User, facts: IntentFacts, seenAt: Date): Payment {
  const invoiceId = facts.invoiceId ?? desk.ledger.invoiceOfIntent(facts.id);
  if (invoiceId !== null) linkIntent(desk, invoiceId, facts.id);
  const row =
    findPayment(desk, invoiceId, facts.id) ??
    addPayment(desk, user, {
      invoiceId,
      intentId: facts.id,
      amount: facts.amount,
      currency: facts.currency,
      createdAt: facts.created,
      // Our customer may have paid another shop: only an invoice of ours says that it is a payment of ours.
      awaitingInvoice: true,
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
  deriveStatus(row);
  return row;
}

/** Remembers which invoice an intent pays, and makes one row of the two that may stand for it already. */
export function linkIntent(desk: LinkingDesk, invoiceId: string, intentId: string): void {
  const { ledger } = desk;
  if (ledger.invoiceOfIntent(intentId) === null) ledger.link(invoiceId, intentId, desk.clock.now());
  const row = findPayment(desk, invoiceId, intentId);
  if (!row) return;
  row.stripeInvoiceId = invoiceId;
  deriveStatus(row);
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

/**
 * The row that stands for this invoice, this intent, or both. Where each has one of its own (their events came
 * before anything linked them), the two become one under the intent's id.
 */
function findPayment(
  desk: LinkingDesk,
  invoiceId: string | null,
  intentId: string | null,
): Payment | undefined {
  const { ledger } = desk;
  const intent = intentId ?? (invoiceId === null ? null : ledger.intentOfInvoice(invoiceId));
  let ofIntent: Payment | undefined;
  let provisional: Payment | undefined;
  let ofInvoice: Payment | undefined;
  for (const row of ledger.payments()) {
    if (intent !== null && row.stripePaymentIntentId === intent) ofIntent = row;
    else if (invoiceId !== null && row.stripePaymentIntentId === provisionalIntentId(invoiceId))
      provisional = row;
    else if (invoiceId !== null && row.stripeInvoiceId === invoiceId) ofInvoice = row;
  }
  if (ofIntent && provisional) return merge(desk, ofIntent, provisional);
  if (ofIntent) return ofIntent;
  if (provisional && intent !== null) {
    provisional.stripePaymentIntentId = intent;
    ledger.appeared(intent);
  }
  // An invoice without a known intent may still have a row: the one of an intent that named it.
  return provisional ?? (intent === null ? ofInvoice : undefined);
}

/** The intent's row takes over what the invoice's provisional one knew. */
function merge(desk: LinkingDesk, row: Payment, provisional: Payment): Payment {
  const { ledger } = desk;
  row.stripeInvoiceId = provisional.stripeInvoiceId;
  row.invoiceStatus = provisional.invoiceStatus;
  row.invoiceSnapshotAt = provisional.invoiceSnapshotAt;
  row.attemptCount = Math.max(row.attemptCount, provisional.attemptCount);
  row.nextAttemptAt ??= provisional.nextAttemptAt;
  row.subscriptionId ??= provisional.subscriptionId;
  row.stripeSubscriptionId ??= provisional.stripeSubscriptionId;
  row.failureReason ??= provisional.failureReason;
  row.createdAt = provisional.createdAt;
  if (row.intentStatus == null) row.amount = provisional.amount;
  row.awaitingInvoice = false;
  deriveStatus(row);
  ledger.removePayment(provisional);
  return row;
}

function addPayment(
  desk: Desk,
  user: User,
  origin: {
    invoiceId: string | null;
    intentId: string | null;
    amount: number;
    currency: string;
    createdAt: Date;
    awaitingInvoice: boolean;
  },
): Payment {
  const row = desk.ledger.addPayment({
    userId: user.id,
    stripePaymentIntentId: origin.intentId ?? provisionalIntentId(origin.invoiceId ?? ''),
    stripeInvoiceId: origin.invoiceId,
    amount: origin.amount,
    currency: origin.currency,
    status: 'pending',
    createdAt: origin.createdAt,
    attemptCount: 0,
    awaitingInvoice: origin.awaitingInvoice,
    amountRefunded: 0,
    livemode: desk.event.livemode,
  });
  if (origin.intentId !== null) desk.ledger.appeared(origin.intentId);
  return row;
}

/** One word for what the intent and the invoice say together. */
function deriveStatus(row: Payment): void {
  row.status = statusOf(row);
  if (row.status === 'succeeded') {
    row.failureReason = null;
    row.nextAttemptAt = null;
  }
}

function statusOf(row: Payment): PaymentStatus {
  if (row.intentStatus === 'succeeded' || row.invoiceStatus === 'paid') return 'succeeded';
  if (row.intentStatus === 'canceled' || row.invoiceStatus === 'void') return 'canceled';
  if (row.invoiceStatus === 'uncollectible' || row.attemptCount > 0) return 'failed';
  return row.intentStatus === 'requires_payment_method' && row.failureReason != null ? 'failed' : 'pending';
}
