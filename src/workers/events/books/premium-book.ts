import { DAY } from '../../../shared/duration.ts';
import type { Subscription, User } from '../../../shared/entities/index.ts';
import {
  isEndCertain,
  isPaymentUnderWay,
  isRenewalOverdue,
  type PremiumPolicy,
  paidThrough,
  premiumUntil,
  RENEWAL_ALLOWANCE_MS,
} from '../../../shared/premium/index.ts';
import type { Desk } from '../desk.ts';
import { reviewAccess } from './reversal-book.ts';
import { isLive } from './subscription-book.ts';
import { reviewUse } from './use-book.ts';

/** What settling needs of a desk: it belongs to the whole unit of work, not to one event. */
export type SettlingDesk = Pick<Desk, 'ledger' | 'policy' | 'clock' | 'logger'> & {
  /** Whether an end that the rows show is known to be one. Else Stripe is asked first. */
  mayTellEnds: boolean;
};

/**
 * Brings every touched user's `premium` in line with all of their subscriptions, once per unit of work, and announces
 * what changed for them.
 */
export async function settlePremium(desk: SettlingDesk): Promise<void> {
  reviewAccess(desk);
  reviewUse(desk);
  for (const [userId, correlationId] of desk.ledger.touchedUsers()) {
    desk.ledger.correlationId = correlationId;
    const user = desk.ledger.user(userId);
    if (!user) continue;
    const subscriptions = desk.ledger.subscriptionsOf(userId);
    if (subscriptions.length > 1) await settleDuplicates(desk, subscriptions);
    settleUser(desk, user, subscriptions);
  }
}

function settleUser(desk: SettlingDesk, user: User, subscriptions: readonly Subscription[]): void {
  const now = desk.clock.now();
  const best = longestPremium(subscriptions, desk.policy, now);
  if (best === null) {
    forgetOtherMode(desk, user, now);
    return;
  }
  const before = user.premium ?? null;
  if (before?.getTime() !== best.until.getTime()) user.premium = best.until;
  if (best.until <= now) noteEnd(desk, best.subscription, best.until, before);
  else if (before === null || before <= now) announceActivation(desk, best.subscription, best.until, before);
}

/**
 * Premium that a subscription of the other mode gave, as when a service goes from test to live: nobody has paid for it.
 * What somebody else wrote stays.
 */
function forgetOtherMode({ ledger, policy }: SettlingDesk, user: User, now: Date): void {
  const given = longestPremium(ledger.subscriptionsElsewhere(user.id), policy, now);
  if (given !== null && user.premium?.getTime() === given.until.getTime()) user.premium = null;
}

/** Of several subscriptions the one that lasts longest decides: one's end never takes away what another pays for. */
function longestPremium(
  subscriptions: readonly Subscription[],
  policy: PremiumPolicy,
  now: Date,
): { subscription: Subscription; until: Date } | null {
  let best: { subscription: Subscription; until: Date } | null = null;
  for (const subscription of subscriptions) {
    const until = premiumUntil(subscription, policy, now);
    if (until !== null && (best === null || until > best.until)) best = { subscription, until };
  }
  return best;
}

/**
 * A renewal under way and the days of grace let premium go on, which is no news.
 * @param before until when the user was premium; what is given back within a paid period is news again
 */
function announceActivation(
  { ledger, clock }: SettlingDesk,
  subscription: Subscription,
  until: Date,
  before: Date | null,
): void {
  const { paidUntil } = subscription;
  const goesOn = before !== null && paidUntil != null && before >= paidUntil;
  const now = clock.now();
  if (goesOn && !returnsLate(subscription, paidUntil, now)) return;
  if (wasJustTold(subscription, now)) return;
  subscription.activationToldAt = now;
  subscription.endToldAt = null;
  ledger.announce({
    fact: `premium_activated:${paidPeriod(subscription)}:${before?.toISOString() ?? 'first'}`,
    userId: subscription.userId,
    type: 'premium_activated',
    data: {
      message: 'Premium activé avec succès!',
      plan_type: subscription.planType,
      end_date: until.toISOString(),
    },
  });
}

/**
 * Whether the user has heard of it a moment ago, and of no end since. While events catch up, what the rows show may go
 * back and forth.
 */
function wasJustTold({ activationToldAt: told, endToldAt }: Subscription, now: Date): boolean {
  return told != null && endToldAt == null && now.getTime() - told.getTime() < DAY;
}

/** Whether a renewal is heard of only now, long after premium had passed: its user was without, and may have been told. */
function returnsLate(subscription: Subscription, paidUntil: Date, now: Date): boolean {
  return isPaymentUnderWay(subscription, now) && now.getTime() - paidUntil.getTime() >= RENEWAL_ALLOWANCE_MS;
}

/**
 * What the rows show may be no end: events come late, and in any order. So nobody is told before Stripe was asked.
 * @param before until when the user was premium: where that is the same, and Stripe was asked since, it is known
 */
function noteEnd(desk: SettlingDesk, subscription: Subscription, until: Date, before: Date | null): void {
  const isKnown =
    before?.getTime() === until.getTime() && subscription.readAt != null && subscription.readAt >= until;
  if (desk.mayTellEnds) announceEnd(desk, subscription, until);
  else if (!isKnown) desk.ledger.confirmEnd(subscription.userId);
}

/**
 * Told once per paid period, whether the end is noticed by an event, a second event or the sweep. A renewal whose
 * outcome is only late is no end.
 */
function announceEnd({ ledger, clock }: SettlingDesk, subscription: Subscription, until: Date): void {
  if (!isEndCertain(subscription) && !isRenewalOverdue(subscription, clock.now())) return;
  subscription.endToldAt = clock.now();
  ledger.announce({
    fact: `premium_ended:${paidPeriod(subscription)}`,
    userId: subscription.userId,
    type: 'premium_cancelled',
    data: {
      message: 'Votre abonnement premium a pris fin.',
      cancel_at_period_end: false,
      end_date: until.toISOString(),
    },
  });
}

function paidPeriod(subscription: Subscription): string {
  const { stripeSubscriptionId, firstUnpaidAt } = subscription;
  const paidUntil = paidThrough(subscription);
  // Of several events that say so the first may be heard last: the time of that is not what it is named by.
  if (firstUnpaidAt != null && paidUntil?.getTime() === firstUnpaidAt.getTime())
    return `${stripeSubscriptionId}:first_unpaid`;
  return `${stripeSubscriptionId}:${paidUntil?.toISOString() ?? 'none'}`;
}

/**
 * Of several live subscriptions the one Stripe created first counts and the others are marked as its duplicates, for
 * the operator to resolve. One that perhaps a stranger pays stands aside for the user's own, and is no reason to warn.
 * Rows leave the unique index in one flush before another enters it.
 */
async function settleDuplicates(desk: SettlingDesk, subscriptions: readonly Subscription[]): Promise<void> {
  await desk.ledger.flush();
  // What has ended is nobody's duplicate: whether it ever was one depends on which event came first.
  for (const row of subscriptions) if (!isLive(row)) row.duplicateOf = null;
  const live = subscriptions.filter(isLive);
  if (live.length === 0) return;
  const customers = live.length > 1 ? live.map((row) => row.stripeCustomerId) : [];
  const strangers = await desk.ledger.unconfirmed(customers);
  const isStrangers = (row: Subscription): boolean => strangers.has(row.stripeCustomerId);
  const [first, ...others] = live.sort(
    (a, b) => Number(isStrangers(a)) - Number(isStrangers(b)) || byAge(a, b),
  );
  if (!first) return;
  const marked = others.filter((row) => row.duplicateOf !== first.id);
  for (const row of marked) {
    row.duplicateOf = first.id;
    if (isStrangers(row)) continue;
    desk.logger.warn(
      {
        userId: row.userId,
        subscription: row.stripeSubscriptionId,
        duplicateOf: first.stripeSubscriptionId,
      },
      'A user has a second live subscription; cancel or refund one of them at Stripe',
    );
  }
  if (first.duplicateOf != null) {
    await desk.ledger.flush();
    first.duplicateOf = null;
  }
}

function byAge(a: Subscription, b: Subscription): number {
  const age = (a.stripeCreatedAt?.getTime() ?? 0) - (b.stripeCreatedAt?.getTime() ?? 0);
  return age || (a.stripeSubscriptionId < b.stripeSubscriptionId ? -1 : 1);
}
