import { DAY, HOUR, MINUTE } from '../duration.ts';
import type { Subscription } from '../entities/index.ts';

/** What of a subscription decides premium. */
export type PremiumFacts = Pick<
  Subscription,
  | 'status'
  | 'stripeStatus'
  | 'currentPeriodStart'
  | 'currentPeriodEnd'
  | 'trialEnd'
  | 'paidUntil'
  | 'paidFrom'
  | 'paidAt'
  | 'endedAt'
  | 'cancelAt'
  | 'pastDueSince'
  | 'collectionPaused'
  | 'collectionMethod'
  | 'pausedPeriodStart'
  | 'firstUnpaidAt'
  | 'latestInvoiceAt'
  | 'latestInvoiceStatus'
  | 'latestInvoiceFailedAt'
  | 'revokedAt'
>;

/** How long premium lasts beyond what is paid, in days. */
export type PremiumPolicy = {
  /** After a renewal failed. */
  graceDays: number;
  /** While a renewal is under way. */
  processingDays: number;
};

/**
 * Before Stripe has rolled the period nothing is known of its renewal. Until the event has had time to arrive, a
 * renewing subscription stays premium although nothing is paid yet.
 */
export const RENEWAL_ALLOWANCE_MS = 6 * HOUR;

/** Stripe waits up to three days with a renewal while an endpoint takes no events, and delivers them as long. */
const LATEST_RENEWAL_MS = 3 * DAY;

/** How long before the end of a paid period the allowance is written, so that no reader sees a gap. */
export const RENEWAL_LEAD_MS = 15 * MINUTE;

/**
 * Until when this subscription alone makes its user premium; null when it never did. The result may lie in the past.
 *
 * Paid time counts, not a period that merely rolled: `paidUntil` moves when an invoice is paid. On top of it come the
 * days in which a renewal is under way, while nothing is known that stands against it, and the grace days while Stripe
 * retries one that failed, counted from the first failed attempt.
 */
export function premiumUntil(subscription: PremiumFacts, policy: PremiumPolicy, now: Date): Date | null {
  const covered = coveredUntil(subscription);
  if (covered === null) return null;
  const { revokedAt, endedAt, cancelAt } = subscription;
  if (revokedAt) return earlier(covered, revokedAt);
  if (endedAt) return earlier(covered, endedAt);
  if (cancelAt && cancelAt <= covered) return cancelAt;
  if (isFirstUnpaid(subscription, covered)) return covered;
  if (inDunning(subscription)) return later(covered, graceEnd(subscription, covered, policy));
  const allowed = allowedUntil(subscription, covered, policy, now);
  // A cancellation that lies beyond what is paid leaves this renewal to happen first.
  return cancelAt ? earlier(allowed, cancelAt) : allowed;
}

/**
 * A failure long after the end of what was paid for is no renewal of it any more (the next month's invoice, or the
 * first after a pause): it gives no grace. One of a debit that took all the days it may, after a late start, does.
 */
function graceEnd({ pastDueSince }: PremiumFacts, covered: Date, policy: PremiumPolicy): Date {
  const reach = policy.processingDays * DAY + LATEST_RENEWAL_MS;
  if (!pastDueSince || pastDueSince.getTime() - covered.getTime() > reach) return covered;
  return new Date(pastDueSince.getTime() + policy.graceDays * DAY);
}

/** How far premium goes beyond what is covered while nothing is paid, and nothing has failed either. */
function allowedUntil(subscription: PremiumFacts, covered: Date, policy: PremiumPolicy, now: Date): Date {
  const sinceEnd = now.getTime() - covered.getTime();
  if (!renews(subscription, covered) || sinceEnd < -RENEWAL_LEAD_MS) return covered;
  if (isUnderWay(subscription, covered)) {
    return new Date(covered.getTime() + Math.max(policy.processingDays * DAY, RENEWAL_ALLOWANCE_MS));
  }
  const isUnheard = !hasRolled(subscription, covered) && sinceEnd < RENEWAL_ALLOWANCE_MS;
  return isUnheard ? new Date(covered.getTime() + RENEWAL_ALLOWANCE_MS) : covered;
}

/** What is paid for, or was given as a trial: also one that was given, or made longer, in the middle of a period. */
export function coveredUntil({
  trialEnd,
  ...subscription
}: Paid & Pick<PremiumFacts, 'trialEnd'>): Date | null {
  const paidUntil = paidThrough(subscription);
  return paidUntil && trialEnd ? later(paidUntil, trialEnd) : (paidUntil ?? trialEnd ?? null);
}

type Paid = Pick<PremiumFacts, 'paidUntil' | 'paidFrom' | 'paidAt' | 'endedAt'>;

/** What is paid for. A period that was paid only after the subscription's end gives nothing any more. */
export function paidThrough({ paidUntil, paidFrom, paidAt, endedAt }: Paid): Date | null {
  if (paidUntil && paidFrom && paidAt && endedAt && paidAt > endedAt) return earlier(paidUntil, paidFrom);
  return paidUntil ?? null;
}

/** Whether Stripe is still trying to collect a failed renewal. */
export function inDunning(
  subscription: Pick<PremiumFacts, 'status' | 'stripeStatus' | 'pastDueSince'>,
): boolean {
  const status = statusOf(subscription);
  return status === 'past_due' || (status === 'active' && subscription.pastDueSince != null);
}

/**
 * Whether a payment is on its way for the period that follows what is covered: Stripe calls the subscription active,
 * has begun that period and collects by itself, and its invoice is a draft, open and not tried, or with the bank.
 */
export function isPaymentUnderWay(subscription: PremiumFacts, now: Date): boolean {
  const covered = coveredUntil(subscription);
  if (covered === null || covered > now) return false;
  return renews(subscription, covered) && isUnderWay(subscription, covered);
}

/**
 * Whether these facts alone prove that premium, once it has passed, is over: nothing more is going to be collected for
 * the time after it. Else a renewal may be under way whose events are late, and only Stripe can tell.
 */
export function isEndCertain(subscription: PremiumFacts): boolean {
  const covered = coveredUntil(subscription);
  if (covered === null || !renews(subscription, covered)) return true;
  return hasRolled(subscription, covered) && !isUnderWay(subscription, covered);
}

/** Whether a renewal that nothing was heard of has had all the time it can take, its events included. */
export function isRenewalOverdue(subscription: PremiumFacts, now: Date): boolean {
  const covered = coveredUntil(subscription);
  return covered === null || now.getTime() - covered.getTime() >= LATEST_RENEWAL_MS;
}

/** Whether nothing but time, and perhaps an invoice that is known, stands between this subscription and its renewal. */
function renews(subscription: PremiumFacts, covered: Date): boolean {
  const { cancelAt, endedAt, revokedAt, collectionPaused, collectionMethod, pastDueSince } = subscription;
  if (endedAt || revokedAt || collectionPaused || pastDueSince) return false;
  if (collectionMethod && collectionMethod !== 'charge_automatically') return false;
  if (cancelAt && cancelAt <= covered) return false;
  if (isFirstUnpaid(subscription, covered)) return false;
  const status = statusOf(subscription);
  return status === 'active' || status === 'trialing';
}

/** Whether nothing was ever paid: what is covered was given on trust, until the first invoice turned out unpaid. */
function isFirstUnpaid({ firstUnpaidAt }: PremiumFacts, covered: Date): boolean {
  return firstUnpaidAt != null && covered <= firstUnpaidAt;
}

/** Whether Stripe has begun a period that follows what is covered without a break. */
function hasRolled(
  { currentPeriodStart: start, currentPeriodEnd: end }: PremiumFacts,
  covered: Date,
): boolean {
  return start != null && end != null && start <= covered && covered < end;
}

function isUnderWay(subscription: PremiumFacts, covered: Date): boolean {
  if (!hasRolled(subscription, covered)) return false;
  const { currentPeriodStart: start, latestInvoiceAt: billedAt, pausedPeriodStart: pausedIn } = subscription;
  const isBilled = start != null && billedAt != null && billedAt >= start;
  if (isBilled) return mayBecomePaid(subscription);
  // Nothing is known of its invoice. One that was made while collection was paused stays what it became.
  return pausedIn == null || start == null || pausedIn < start;
}

function mayBecomePaid({ latestInvoiceStatus: status, latestInvoiceFailedAt }: PremiumFacts): boolean {
  return latestInvoiceFailedAt == null && status !== 'void' && status !== 'uncollectible';
}

/** Stripe's own word, or ours on a row of the old service that no event has touched yet. */
function statusOf(subscription: Pick<PremiumFacts, 'status' | 'stripeStatus'>): string {
  return subscription.stripeStatus ?? subscription.status;
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}
