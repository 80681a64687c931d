import type { Payment, Subscription } from '../../../shared/entities/index.ts';
import type { PremiumPolicy } from '../../../shared/premium/index.ts';
import type { ChargeFacts, DisputeFacts } from '../../../shared/stripe/facts/index.ts';
import type { Desk } from '../desk.ts';

/** How long premium lasts, and what a refund or a dispute does to it. */
export type AccessPolicy = PremiumPolicy & { onRefund: 'keep' | 'end'; onDispute: 'keep' | 'suspend' };

/** Books how much of a charge was refunded. A refund can fail after it succeeded, so the sum may fall again. */
export function bookRefunds(desk: Desk, row: Payment, facts: ChargeFacts, seenAt: Date): void {
  row.amountRefunded = facts.amountRefunded;
  row.refundSnapshotAt = seenAt;
  row.stripeChargeId ??= facts.id;
  row.paymentMethodType ??= facts.paymentMethodType;
  reviewAccess(desk, row);
}

/** Books where a dispute stands. */
export function bookDispute(desk: Desk, row: Payment, facts: DisputeFacts, seenAt: Date): void {
  row.disputeStatus = facts.status;
  row.disputeSnapshotAt = seenAt;
  reviewAccess(desk, row);
}

/** Takes premium away, or gives it back, as the policy says for the payment of the running period. */
function reviewAccess(desk: Desk, payment: Payment): void {
  const subscription = desk.ledger
    .subscriptionsOf(payment.userId)
    .find((row) => row.id === payment.subscriptionId);
  if (!subscription || !paysRunningPeriod(payment, subscription)) return;
  const since = revokedSince(desk, payment);
  // The first moment stands, however many events tell of it.
  subscription.revokedAt = since && (subscription.revokedAt ?? since);
  desk.ledger.touchUser(subscription.userId);
}

/** A payment is as old as its invoice, and the claim of a paid period remembers that age too. */
function paysRunningPeriod(payment: Payment, subscription: Subscription): boolean {
  return payment.createdAt.getTime() === subscription.paidByInvoiceAt?.getTime();
}

function revokedSince({ policy, clock }: Desk, payment: Payment): Date | null {
  if (policy.onRefund === 'end' && payment.amountRefunded >= payment.amount) {
    return payment.refundSnapshotAt ?? clock.now();
  }
  const disputed = payment.disputeStatus != null && TAKEN_AWAY.has(payment.disputeStatus);
  if (policy.onDispute === 'suspend' && disputed) return payment.disputeSnapshotAt ?? clock.now();
  return null;
}

/** Statuses in which the disputed money is not ours. `warning_*` are inquiries, which move none. */
const TAKEN_AWAY: ReadonlySet<string> = new Set(['needs_response', 'under_review', 'lost']);
