import type { Dispute, Payment } from '../../../shared/entities/index.ts';
import { toMajorUnits } from '../../../shared/money.ts';
import {
  type ChargeFacts,
  type DisputeFacts,
  type RefundFacts,
  readCharge,
  readDispute,
  readRefund,
} from '../../../shared/stripe/facts/index.ts';
import { paymentOfCharge } from '../books/payment-book.ts';
import { bookDispute, bookRefunds } from '../books/reversal-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';
import type { Snapshot } from '../stripe-reads.ts';

/** `charge.refunded`: how much of a charge has gone back by now, in full or in part. */
export const onChargeRefunded = handler({
  read: readCharge,
  touches: (facts) => ({ customer: facts.customerId, intent: facts.intentId, charge: facts.id }),
  apply: async (facts, desk) => {
    const payment = paymentOfCharge(desk, facts.id, facts.intentId);
    if (!payment) return waitFor(facts);
    const at = payment.refundSnapshotAt ?? null;
    const newer = at === null || desk.event.created > at;
    const current = newer
      ? { facts, seenAt: desk.event.created }
      : await desk.reads.charge(facts.id, { at, version: desk.ledger.versionOf(payment) });
    bookRefunds(payment, current, desk.event.created);
    return APPLIED;
  },
});

/**
 * `refund.*`: one refund, announced to the user once it succeeded. The sum stands on the charge, which this asks
 * Stripe for, since a refund may also fail after it succeeded.
 */
export const onRefund = handler({
  read: readRefund,
  touches: (facts) => ({ intent: facts.intentId, charge: facts.chargeId }),
  apply: async (facts, desk) => {
    if (facts.chargeId === null) return IGNORED;
    const payment = paymentOfCharge(desk, facts.chargeId, facts.intentId);
    if (!payment) return waitFor((await desk.reads.charge(facts.chargeId)).facts);
    const charge = await desk.reads.charge(facts.chargeId, {
      at: payment.refundSnapshotAt ?? null,
      version: desk.ledger.versionOf(payment),
    });
    bookRefunds(payment, charge, facts.created);
    if (facts.status === 'succeeded') announceRefund(desk, payment, facts);
    return APPLIED;
  },
});

/** `charge.dispute.*`: the payer asked their bank for the money back. The operator answers at Stripe. */
export const onDispute = handler({
  read: readDispute,
  touches: (facts) => ({ intent: facts.intentId, charge: facts.chargeId }),
  apply: async (facts, desk) => {
    const payment = paymentOfCharge(desk, facts.chargeId, facts.intentId);
    if (!payment) return facts.chargeId === null ? IGNORED : waitForChargeOf(desk, facts.chargeId);
    const chargeId = facts.chargeId ?? payment.stripeChargeId ?? payment.stripePaymentIntentId;
    const disputes = await desk.ledger.disputesOf(chargeId);
    const known = disputes.find(({ stripeDisputeId }) => stripeDisputeId === facts.id);
    const current = await currentOf(desk, facts, known);
    if (current) {
      desk.ledger.keepDispute(chargeId, current.facts, current.seenAt);
      bookDispute(
        payment,
        current,
        disputes.filter((each) => each !== known),
      );
    }
    desk.logger.warn(
      { dispute: facts.id, payment: payment.stripePaymentIntentId, status: payment.disputeStatus },
      `A payment is disputed (${payment.disputeStatus})`,
    );
    return APPLIED;
  },
});

/** @returns null when the row reflects something later, or says the same */
async function currentOf(
  desk: Desk,
  facts: DisputeFacts,
  known: Dispute | undefined,
): Promise<Snapshot<DisputeFacts> | null> {
  if (known === undefined || desk.event.created > known.snapshotAt) {
    return { facts, seenAt: desk.event.created };
  }
  if (known.status === facts.status) return null;
  const at = known.snapshotAt;
  return desk.reads.dispute(facts.id, { at, version: `${known.status} ${at.toISOString()}` });
}

/** The payment's own events may still be on their way, or nobody knows the customer yet. */
function waitFor(charge: ChargeFacts): Verdict {
  if (charge.intentId !== null && charge.customerId !== null) return parkedFor(charge.intentId);
  return IGNORED;
}

async function waitForChargeOf(desk: Desk, chargeId: string): Promise<Verdict> {
  return waitFor((await desk.reads.charge(chargeId)).facts);
}

function announceRefund(desk: Desk, payment: Payment, refund: RefundFacts): void {
  desk.ledger.announce({
    fact: `payment_refunded:${refund.id}`,
    userId: payment.userId,
    type: 'payment_refunded',
    data: {
      message: 'Votre paiement a été remboursé.',
      amount: toMajorUnits(refund.amount, refund.currency),
      currency: refund.currency,
      invoice_id: payment.stripeInvoiceId,
    },
  });
}
