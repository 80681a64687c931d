import type { Dispute, Payment, Subscription } from '../../../shared/entities/index.ts';
import type { PremiumPolicy } from '../../../shared/premium/index.ts';
import type { ChargeFacts, DisputeFacts } from '../../../shared/stripe/facts/index.ts';
import type { Desk } from '../desk.ts';
import type { Snapshot } from '../stripe-reads.ts';

/** How long premium lasts, and what a refund or a dispute does to it. */
export type AccessPolicy = PremiumPolicy & { onRefund: 'keep' | 'end'; onDispute: 'keep' | 'suspend' };

/**
 * Books how much of a charge was refunded. A refund can fail after it succeeded, so the sum may fall again.
 * @param charge null when the row reflects something later
 * @param at when the refund was made that this is about
 */
export function bookRefunds(row: Payment, charge: Snapshot<ChargeFacts> | null, at: Date): void {
  if (charge) {
    const { facts, seenAt } = charge;
    row.amountRefunded = facts.amountRefunded;
    row.refundSnapshotAt = seenAt;
    row.stripeChargeId ??= facts.id;
    row.paymentMethodType ??= facts.paymentMethodType;
  }
  // Of several refunds the last one counts, whichever is heard of first.
  if (row.reversedAt == null || at > row.reversedAt) row.reversedAt = at;
}

/**
 * Books where a payment's disputes stand: all of them together, since one that is won gives nothing back of what another
 * took away.
 * @param others the payment's other disputes
 */
export function bookDispute(
  row: Payment,
  { facts, seenAt }: Snapshot<DisputeFacts>,
  others: readonly Pick<Dispute, 'status' | 'createdAt' | 'snapshotAt'>[],
): void {
  const all = [...others, { status: facts.status, createdAt: facts.created, snapshotAt: seenAt }];
  const [gravest] = all.toSorted((a, b) => gravity(a.status) - gravity(b.status));
  row.disputeStatus = gravest?.status ?? facts.status;
  row.disputeSnapshotAt = all.map(({ snapshotAt }) => snapshotAt).reduce(later);
  row.disputedAt = all
    .filter(({ status }) => TAKEN_AWAY.has(status))
    .map(({ createdAt }) => createdAt)
    .reduce<Date | null>((first, at) => (first === null || at < first ? at : first), null);
}

/**
 * Takes premium away, or gives it back, as the policy says for the payments of running periods. Asked of every payment
 * at hand, since one may turn out to be such a payment long after its money went back.
 */
export function reviewAccess({ ledger, policy }: Pick<Desk, 'ledger' | 'policy'>): void {
  const bySubscription = Map.groupBy(ledger.payments(), (payment) =>
    ledger.subscription(payment.stripeSubscriptionId ?? null),
  );
  for (const [subscription, payments] of bySubscription) {
    if (!subscription) continue;
    const paying = payments.filter((payment) => paysRunningPeriod(payment, subscription));
    if (paying.length === 0) continue;
    subscription.revokedAt = takenBackAt(paying, policy);
    ledger.touchUser(subscription.userId);
  }
}

/** A payment is as old as its invoice, and the claim of a paid period remembers that age too. */
function paysRunningPeriod(payment: Payment, subscription: Subscription): boolean {
  return payment.createdAt.getTime() === subscription.paidByInvoiceAt?.getTime();
}

/** Since when a period's money is gone: by refund all of it, which may have come in several payments; by dispute any. */
function takenBackAt(payments: readonly Payment[], policy: AccessPolicy): Date | null {
  const gone: Date[] = [];
  const moved = payments.filter((each) => each.status === 'succeeded' || each.amountRefunded > 0);
  const isRefunded = moved.length > 0 && moved.every((each) => each.amountRefunded >= each.amount);
  if (policy.onRefund === 'end' && isRefunded) {
    gone.push(
      ...moved
        .flatMap(({ reversedAt }) => reversedAt ?? [])
        .toSorted(byTime)
        .slice(-1),
    );
  }
  if (policy.onDispute === 'suspend') {
    const disputed = payments.filter(
      ({ disputeStatus }) => disputeStatus != null && TAKEN_AWAY.has(disputeStatus),
    );
    // Before disputes had rows, theirs was the time of the last reversal.
    gone.push(...disputed.flatMap(({ disputedAt, reversedAt }) => disputedAt ?? reversedAt ?? []));
  }
  return gone.toSorted(byTime)[0] ?? null;
}

function byTime(a: Date, b: Date): number {
  return a.getTime() - b.getTime();
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

/** What a dispute's status says of the money, the worst first. `warning_*` are inquiries, which move none. */
const GRAVITY = [
  'lost',
  'appeal_needs_response',
  'appeal_under_review',
  'needs_response',
  'under_review',
  'other',
  'warning_needs_response',
  'warning_under_review',
  'won',
  'prevented',
  'warning_closed',
];

/** Statuses in which the disputed money is not ours. */
const TAKEN_AWAY: ReadonlySet<string> = new Set(GRAVITY.slice(0, GRAVITY.indexOf('other')));

/** A status that Stripe adds one day is worse than an inquiry, and no loss yet. */
function gravity(status: string): number {
  const known = GRAVITY.indexOf(status);
  return known === -1 ? GRAVITY.indexOf('other') : known;
}
