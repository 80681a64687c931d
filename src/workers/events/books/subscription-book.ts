import { SECOND } from '../../../shared/duration.ts';
import type { PlanType, Subscription, User } from '../../../shared/entities/index.ts';
import {
  type InvoiceFacts,
  isEndedStatus,
  type SubscriptionFacts,
} from '../../../shared/stripe/facts/index.ts';
import { toSubscriptionStatus } from '../../../shared/stripe/status.ts';
import type { Desk } from '../desk.ts';
import type { Snapshot } from '../stripe-reads.ts';

/** Which invoice it is, and which of two is the newer one. */
type InvoiceAge = { id: string } & Pick<InvoiceFacts, 'created'>;

/**
 * Whether a payload of this time may be applied to the row as it is. Times are whole seconds and Stripe warns
 * against ordering by them, so only a clearly newer one may; and no payload revives what has ended.
 */
export function isClearlyNewer(row: Subscription, facts: SubscriptionFacts, at: Date): boolean {
  if (isEnded(row)) return false;
  if (isEndedStatus(facts.status)) return true;
  return row.snapshotAt != null && at > row.snapshotAt;
}

/**
 * Whether the row shows what this payload tells, so that there is nothing to ask: it says the same, or Stripe was asked
 * clearly after the event.
 */
export function isReflected(row: Subscription, facts: SubscriptionFacts, plan: PlanType, at: Date): boolean {
  if (row.readAt != null && row.readAt.getTime() - at.getTime() > CLOCKS_DIFFER_MS) return true;
  const told = Object.entries(contentOf(facts, plan, at));
  return told.every(([column, value]) => comparable(row[column as keyof Subscription]) === comparable(value));
}

/** By how much the clocks of Stripe's own servers may differ, with room to spare. */
const CLOCKS_DIFFER_MS = 2 * SECOND;

function comparable(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : (value ?? null);
}

/** Whether Stripe will never change this subscription's status again. */
export function isEnded(row: Subscription): boolean {
  return row.endedAt != null || isEndedStatus(row.stripeStatus ?? row.status);
}

/** Whether the row takes part in the rule of one live subscription per user (the partial unique index says it too). */
export function isLive(row: Subscription): boolean {
  return row.status === 'active' || row.status === 'past_due' || row.status === 'unpaid';
}

/**
 * Writes what Stripe says of a subscription into its row, or makes the row: the one path for webhooks, the return
 * from checkout, and reconciling alike.
 */
export async function bookSubscription(
  desk: Desk,
  user: User,
  plan: PlanType,
  { facts: told, seenAt, asked }: Snapshot<SubscriptionFacts>,
): Promise<Subscription> {
  const { ledger } = desk;
  const facts = desk.catalog.focus(told);
  const columns = {
    ...contentOf(facts, plan, seenAt),
    snapshotAt: seenAt,
    updatedAt: desk.clock.now(),
    ...(asked ? { readAt: seenAt } : {}),
  };
  let row = ledger.subscription(facts.id);
  const wasScheduled = row?.cancelAtPeriodEnd ?? false;
  if (row) {
    const started = row.trialEnd;
    Object.assign(row, columns);
    forgetShortenedTrial(row, started ?? null);
  } else {
    await makeRoom(desk, user);
    row = ledger.addSubscription({
      userId: user.id,
      stripeSubscriptionId: facts.id,
      createdAt: desk.clock.now(),
      ...columns,
    });
    ledger.appeared(facts.id);
  }
  standAside(desk, row);
  rememberPayload(row, facts, seenAt);
  noteDunning(row, facts, seenAt, desk);
  if (row.cancelAtPeriodEnd && !wasScheduled) announceScheduledEnd(desk, row);
  ledger.touchUser(row.userId);
  return row;
}

/** Columns that follow Stripe's word directly. */
function contentOf(facts: SubscriptionFacts, plan: PlanType, seenAt: Date) {
  const ended = isEndedStatus(facts.status);
  return {
    stripeCustomerId: facts.customerId,
    planType: plan,
    status: toSubscriptionStatus(facts.status),
    stripeStatus: facts.status,
    stripePriceId: facts.priceId,
    stripeCreatedAt: facts.created,
    currentPeriodStart: facts.period?.start ?? null,
    currentPeriodEnd: facts.period?.end ?? null,
    cancelAt: facts.cancelAt,
    cancelAtPeriodEnd: facts.cancelAt !== null,
    canceledAt: facts.canceledAt,
    endedAt: ended ? (facts.endedAt ?? facts.canceledAt ?? seenAt) : facts.endedAt,
    trialStart: facts.trialStart,
    trialEnd: facts.trialEnd,
    collectionPaused: facts.collectionPaused,
    collectionMethod: facts.collectionMethod,
    taxDisabledReason: facts.taxDisabledReason,
    livemode: facts.livemode,
  };
}

/** A trial that was cut short no longer covers what it covered. */
function forgetShortenedTrial(row: Subscription, trialEndBefore: Date | null): void {
  if (trialEndBefore === null || row.trialEnd == null || row.trialEnd >= trialEndBefore) return;
  if (row.paidUntil?.getTime() === trialEndBefore.getTime()) row.paidUntil = row.trialEnd;
}

/**
 * Keeps what a payload says that stays true however old it is: that a first period began, and that collection was
 * paused in a period.
 */
export function rememberPayload(row: Subscription, facts: SubscriptionFacts, seenAt: Date): void {
  claimFirstPeriod(row, facts, seenAt);
  const start = facts.collectionPaused ? facts.period?.start : undefined;
  if (start && (row.pausedPeriodStart == null || start > row.pausedPeriodStart))
    row.pausedPeriodStart = start;
}

/**
 * A subscription that begins `active` or `trialing` is premium for its first period at once. Later periods are
 * claimed by paid invoices only, since Stripe rolls the period about an hour before it is paid.
 */
function claimFirstPeriod(row: Subscription, facts: SubscriptionFacts, seenAt: Date): void {
  // How long a trial is can change, so that only its newest word counts.
  if (facts.status === 'trialing' && facts.trialEnd && row.trialEnd?.getTime() === facts.trialEnd.getTime()) {
    claimPaidPeriod(row, { until: facts.trialEnd, created: facts.created });
    return;
  }
  const { period } = facts;
  if (facts.status !== 'active' || period === null) return;
  // To the second: a change of plan moments after the purchase begins a period that has yet to be paid.
  if (period.start > facts.startDate) return;
  const { firstUnpaidAt } = row;
  // Stripe leaves a subscription active whose first debit came back: from then on only a payment can claim anything.
  if (firstUnpaidAt != null && seenAt >= firstUnpaidAt) return;
  const until = firstUnpaidAt != null && firstUnpaidAt < period.end ? firstUnpaidAt : period.end;
  claimPaidPeriod(row, { until, created: facts.created });
}

/**
 * Notes that a period is paid for. Of two claims the one of the newer invoice counts, in whatever order they come;
 * of one moment's claims, the longer.
 */
export function claimPaidPeriod(row: Subscription, claim: Claim): void {
  const { until, created, from = null, paidAt = null } = claim;
  const held = row.paidByInvoiceAt;
  if (held != null && created < held) return;
  const sameInvoice = held != null && created.getTime() === held.getTime();
  if (sameInvoice && row.paidUntil != null && row.paidUntil >= until) {
    if (row.paidUntil.getTime() > until.getTime()) return;
    row.paidFrom ??= from;
    row.paidAt ??= paidAt;
    return;
  }
  if (!sameInvoice) row.revokedAt = null;
  row.paidUntil = until;
  row.paidByInvoiceAt = created;
  row.paidFrom = from;
  row.paidAt = paidAt;
}

/** A period that counts as paid, and the invoice (or, on trust, the subscription) that says so. */
type Claim = {
  until: Date;
  /** When that was made. */
  created: Date;
  /** Where the period begins, and when it was paid for: not where it is given on trust. */
  from?: Date;
  paidAt?: Date | null;
};

/**
 * A first period is claimed on trust while a bank debit is under way. Once its invoice is known to be unpaid, trust
 * ends there, whatever Stripe goes on to call the subscription.
 * @param invoice the first one
 */
export function noteFirstUnpaid(row: Subscription, invoice: Pick<InvoiceAge, 'created'>, at: Date): void {
  if (row.firstUnpaidAt == null || at < row.firstUnpaidAt) row.firstUnpaidAt = at;
  // What a later invoice paid for is not given on trust.
  if (row.paidByInvoiceAt != null && row.paidByInvoiceAt > invoice.created) return;
  if (row.paidUntil != null && row.paidUntil > row.firstUnpaidAt) row.paidUntil = row.firstUnpaidAt;
}

/** The period of an invoice that failed was not paid for, also where it seemed to be a subscription's first. */
export function withdrawClaim(row: Subscription, period: { start: Date; end: Date }): void {
  if (row.paidUntil?.getTime() === period.end.getTime()) row.paidUntil = period.start;
}

/**
 * The first invoice is paid, so what was `incomplete` is active: the event that says so may still be on its way, and
 * nobody should hear of premium from a subscription that looks inactive.
 */
export function activateByPayment(desk: Desk, row: Subscription): void {
  if (row.stripeStatus !== 'incomplete') return;
  row.stripeStatus = 'active';
  row.status = toSubscriptionStatus('active');
  standAside(desk, row);
}

/**
 * `past_due` may arrive before the failed invoice that explains it: grace must not wait for the second event. Once an
 * invoice has told since when, that stands.
 */
function noteDunning(row: Subscription, facts: SubscriptionFacts, seenAt: Date, desk: Desk): void {
  if (isEnded(row)) {
    clearDunning(row);
    return;
  }
  if (facts.status === 'past_due' && facts.latestInvoiceId !== null) {
    if (row.pastDueInvoiceId != null || isInvoicePaid(desk, facts.latestInvoiceId)) return;
    if (row.pastDueSince == null || seenAt < row.pastDueSince) row.pastDueSince = seenAt;
    return;
  }
  if (facts.status === 'active' && row.pastDueSince != null && seenAt > row.pastDueSince) clearDunning(row);
}

function isInvoicePaid(desk: Desk, invoiceId: string): boolean {
  for (const payment of desk.ledger.payments()) {
    if (payment.stripeInvoiceId === invoiceId && payment.invoiceStatus === 'paid') return true;
  }
  return false;
}

/**
 * Grace counts from the first failed attempt of an invoice; retries do not extend it. What has ended has none, and
 * whether it ever had some depends on what was heard before its end. Nor does an attempt count that is heard of late:
 * one at an invoice older than another that failed or was paid, or one before Stripe called the subscription active.
 */
export function noteFailedAttempt(row: Subscription, invoice: InvoiceAge, at: Date): void {
  if (isEnded(row)) return;
  if (row.paidByInvoiceAt != null && invoice.created < row.paidByInvoiceAt) return;
  if (row.pastDueInvoiceAt != null && invoice.created < row.pastDueInvoiceAt) return;
  if (row.stripeStatus === 'active' && row.snapshotAt != null && at < row.snapshotAt) return;
  const isOther = row.pastDueInvoiceId !== invoice.id;
  if (isOther || row.pastDueSince == null || at < row.pastDueSince) row.pastDueSince = at;
  row.pastDueInvoiceId = invoice.id;
  row.pastDueInvoiceAt = invoice.created;
}

/** An invoice was paid: neither it nor an older one makes its subscription past due any more. */
export function endDunning(row: Subscription, invoice: InvoiceAge): void {
  if (row.pastDueInvoiceAt != null && row.pastDueInvoiceAt <= invoice.created) clearDunning(row);
}

function clearDunning(row: Subscription): void {
  row.pastDueSince = null;
  row.pastDueInvoiceId = null;
  row.pastDueInvoiceAt = null;
}

/** What becomes live while another is becomes its duplicate; settling decides later which of the two counts. */
function standAside(desk: Desk, row: Subscription): void {
  if (!isLive(row)) return;
  const other = desk.ledger
    .subscriptionsOf(row.userId)
    .find((each) => each !== row && isLive(each) && each.duplicateOf == null);
  row.duplicateOf ??= other?.id ?? null;
}

/** Of two new subscriptions of one user the second becomes the first one's duplicate, and so needs to know its id. */
async function makeRoom(desk: Desk, user: User): Promise<void> {
  if (desk.ledger.subscriptionsOf(user.id).length > 0) await desk.ledger.flush();
}

function announceScheduledEnd(desk: Desk, row: Subscription): void {
  if (isEnded(row) || row.cancelAt == null) return;
  const requested = row.canceledAt?.toISOString() ?? 'unknown';
  desk.ledger.announce({
    fact: `cancel_scheduled:${row.stripeSubscriptionId}:${row.cancelAt.toISOString()}:${requested}`,
    userId: row.userId,
    type: 'premium_cancelled',
    data: {
      message: 'Votre abonnement sera annulé à la fin de la période en cours.',
      cancel_at_period_end: true,
      end_date: row.cancelAt.toISOString(),
    },
  });
}
