import type { Payment, Subscription } from '../../../shared/entities/index.ts';
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
  noteReversal(row, at);
}

/** Books where a dispute stands. */
export function bookDispute(row: Payment, { facts, seenAt }: Snapshot<DisputeFacts>): void {
  row.disputeStatus = facts.status;
  row.disputeSnapshotAt = seenAt;
  noteReversal(row, facts.created);
}

/** Of several refunds the last one counts, whichever is heard of first. */
function noteReversal(row: Payment, at: Date): void {
  if (row.reversedAt == null || at > row.reversedAt) row.reversedAt = at;
}

/**
 * Takes premium away, or gives it back, as the policy says for the payments of running periods. Asked of every payment
 * at hand, since one may turn out to be such a payment long after its money went back.
 */
export function reviewAccess({ ledger, policy }: Pick<Desk, 'ledger' | 'policy'>): void {
  for (const payment of ledger.payments()) {
    const subscription = ledger.subscription(payment.stripeSubscriptionId ?? null);
    if (!subscription || !paysRunningPeriod(payment, subscription)) continue;
    subscription.revokedAt = isTakenBack(payment, policy) ? (payment.reversedAt ?? null) : null;
    ledger.touchUser(subscription.userId);
  }
}

/** A payment is as old as its invoice, and the claim of a paid period remembers that age too. */
function paysRunningPeriod(payment: Payment, subscription: Subscription): boolean {
  return payment.createdAt.getTime() === subscription.paidByInvoiceAt?.getTime();
}

function isTakenBack(payment: Payment, policy: AccessPolicy): boolean {
  if (policy.onRefund === 'end' && payment.amountRefunded >= payment.amount) return true;
  const disputed = payment.disputeStatus != null && TAKEN_AWAY.has(payment.disputeStatus);
  return policy.onDispute === 'suspend' && disputed;
}

/** Statuses in which the disputed money is not ours. `warning_*` are inquiries, which move none. */
const TAKEN_AWAY: ReadonlySet<string> = new Set(['needs_response', 'under_review', 'lost']);
