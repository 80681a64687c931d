import { DAY, HOUR, MINUTE } from '../duration.ts';
import type { Subscription } from '../entities/index.ts';

/** What of a subscription decides premium. */
export type PremiumFacts = Pick<
  Subscription,
  | 'status'
  | 'stripeStatus'
  | 'trialEnd'
  | 'paidUntil'
  | 'endedAt'
  | 'cancelAt'
  | 'pastDueSince'
  | 'collectionPaused'
  | 'revokedAt'
>;

/** How long premium lasts beyond what is paid, in days. */
export type PremiumPolicy = { graceDays: number };

/**
 * Stripe rolls the period, waits about an hour, then collects. Until that has had time to happen, and its event time
 * to arrive, a renewing subscription stays premium although nothing is paid yet.
 */
const RENEWAL_ALLOWANCE_MS = 6 * HOUR;

/** Stripe waits up to three days with a renewal while an endpoint takes no events, and delivers them as long. */
const LATEST_RENEWAL_MS = 3 * DAY;

/**
 * A failure this long after the end of what was paid for is no renewal of it any more (the next month's invoice, or
 * the first after a pause): it gives no grace.
 */
const GRACE_REACH_MS = 7 * DAY;

/** How long before the end of a paid period the allowance is written, so that no reader sees a gap. */
export const RENEWAL_LEAD_MS = 15 * MINUTE;

/**
 * Until when this subscription alone makes its user premium; null when it never did. The result may lie in the past.
 *
 * Paid time counts, not a period that merely rolled: `paidUntil` moves when an invoice is paid. On top of it come
 * the grace days while Stripe retries a failed renewal, counted from the first failed attempt, and the allowance
 * while a renewal is in progress.
 */
export function premiumUntil(subscription: PremiumFacts, policy: PremiumPolicy, now: Date): Date | null {
  const covered = coveredUntil(subscription);
  if (covered === null) return null;
  if (subscription.revokedAt) return earlier(covered, subscription.revokedAt);
  if (subscription.endedAt) return earlier(covered, subscription.endedAt);
  if (subscription.cancelAt && subscription.cancelAt <= covered) return subscription.cancelAt;
  if (inDunning(subscription)) return later(covered, graceEnd(subscription, covered, policy));
  if (!isRenewing(subscription, covered, now)) return covered;
  const allowed = new Date(covered.getTime() + RENEWAL_ALLOWANCE_MS);
  // A cancellation that lies beyond what is paid leaves this renewal to happen first.
  return subscription.cancelAt ? earlier(allowed, subscription.cancelAt) : allowed;
}

function graceEnd({ pastDueSince }: PremiumFacts, covered: Date, { graceDays }: PremiumPolicy): Date {
  if (!pastDueSince || pastDueSince.getTime() - covered.getTime() > GRACE_REACH_MS) return covered;
  return new Date(pastDueSince.getTime() + graceDays * DAY);
}

/** What is paid for, or given as a trial that still runs. */
function coveredUntil({ paidUntil, trialEnd, ...subscription }: PremiumFacts): Date | null {
  const trial = (statusOf(subscription) === 'trialing' && trialEnd) || null;
  return paidUntil && trial ? later(paidUntil, trial) : (paidUntil ?? trial);
}

/** Whether Stripe is still trying to collect a failed renewal. */
export function inDunning(
  subscription: Pick<PremiumFacts, 'status' | 'stripeStatus' | 'pastDueSince'>,
): boolean {
  const status = statusOf(subscription);
  return status === 'past_due' || (status === 'active' && subscription.pastDueSince != null);
}

/**
 * Whether the renewal of a paid period is under way or only late: that premium has passed meanwhile is no end to tell
 * anybody of.
 */
export function awaitsRenewal(subscription: PremiumFacts, now: Date): boolean {
  const covered = coveredUntil(subscription);
  return (
    covered !== null && renews(subscription, covered) && now.getTime() - covered.getTime() < LATEST_RENEWAL_MS
  );
}

function isRenewing(subscription: PremiumFacts, covered: Date, now: Date): boolean {
  if (!renews(subscription, covered)) return false;
  const sinceEnd = now.getTime() - covered.getTime();
  return sinceEnd >= -RENEWAL_LEAD_MS && sinceEnd < RENEWAL_ALLOWANCE_MS;
}

/** Whether nothing but time stands between this subscription and its next payment. */
function renews(subscription: PremiumFacts, covered: Date): boolean {
  const { cancelAt, endedAt, revokedAt, collectionPaused, pastDueSince } = subscription;
  if (endedAt || revokedAt || collectionPaused || pastDueSince) return false;
  if (cancelAt && cancelAt <= covered) return false;
  const status = statusOf(subscription);
  return status === 'active' || status === 'trialing';
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
