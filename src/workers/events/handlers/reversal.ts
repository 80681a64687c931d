import type { Payment } from '../../../shared/entities/index.ts';
import { toMajorUnits } from '../../../shared/money.ts';
import {
  type DisputeFacts,
  type RefundFacts,
  readCharge,
  readDispute,
  readRefund,
} from '../../../shared/stripe/facts/index.ts';
import { isOurs } from '../books/ownership.ts';
import { paymentOfCharge } from '../books/payment-book.ts';
import { bookDispute, bookRefunds } from '../books/reversal-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';

/** `charge.refunded`: how much of a charge has gone back by now, in full or in part. */
export const onChargeRefunded = handler({
  read: readCharge,
  touches: (facts) => ({ customer: facts.customerId, intent: facts.intentId, charge: facts.id }),
  apply: async (facts, desk) => {
    const payment = await ourPayment(desk, facts.id, facts);
    if ('outcome' in payment) return payment;
    const newer = payment.refundSnapshotAt == null || desk.event.created > payment.refundSnapshotAt;
    const current = newer ? { facts, seenAt: desk.event.created } : await desk.reads.charge(facts.id);
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
    const charge = await desk.reads.charge(facts.chargeId);
    const payment = await ourPayment(desk, facts.chargeId, charge.facts);
    if ('outcome' in payment) return payment;
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
    const payment = await ourPayment(desk, facts.chargeId, await chargeOf(facts, desk));
    if ('outcome' in payment) return payment;
    const newer = payment.disputeSnapshotAt == null || desk.event.created > payment.disputeSnapshotAt;
    const current = newer ? { facts, seenAt: desk.event.created } : await desk.reads.dispute(facts.id);
    bookDispute(payment, current);
    desk.logger.warn(
      { dispute: facts.id, payment: payment.stripePaymentIntentId, status: current.facts.status },
      `A payment is disputed (${current.facts.status})`,
    );
    return APPLIED;
  },
});

/** What a charge pays, as far as a payload says. */
type Paid = { intentId: string | null; invoiceId: string | null };

/**
 * The payment of ours that money went back from. Where it is not on the books, or only as one that may be another
 * shop's: another shop's is ignored, while ours waits for its own events, or for its customer to be known.
 */
async function ourPayment(desk: Desk, chargeId: string | null, paid: Paid): Promise<Payment | Verdict> {
  const payment = paymentOfCharge(desk, chargeId, paid.intentId);
  if (payment && !payment.awaitingInvoice) return payment;
  if (paid.intentId === null || !(await isOurs(desk, paid.intentId, paid.invoiceId))) return IGNORED;
  return payment ?? parkedFor(paid.intentId);
}

/** A dispute names its intent since 2020; older ones only their charge. */
async function chargeOf({ chargeId, intentId }: DisputeFacts, desk: Desk): Promise<Paid> {
  if (intentId !== null || chargeId === null || paymentOfCharge(desk, chargeId, null)) {
    return { intentId, invoiceId: null };
  }
  return (await desk.reads.charge(chargeId)).facts;
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
