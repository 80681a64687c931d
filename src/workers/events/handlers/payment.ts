import { type IntentFacts, readIntent, readInvoicePayment } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn } from '../books/customer-link.ts';
import { bookIntent, isFinalIntent, linkIntent, paymentOfCharge } from '../books/payment-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';

/**
 * `payment_intent.*`: what the money itself did. Users hear of it through the invoice's events, so that one payment
 * is announced once.
 */
export const onPaymentIntent = handler({
  read: readIntent,
  touches: (facts) => ({
    customer: facts.customerId,
    intent: facts.id,
    invoices: [facts.invoiceId],
    charge: facts.chargeId,
    user: userIdIn(facts.metadata),
  }),
  apply: bookNewest,
});

/** `invoice_payment.paid` (basil and later): which intent paid which invoice. Names no customer. */
export const onInvoicePayment = handler({
  read: readInvoicePayment,
  touches: (facts) => ({ invoices: [facts.invoiceId], intent: facts.intentId, charge: facts.chargeId }),
  apply: (facts, desk) => {
    if (facts.intentId === null) return IGNORED;
    const paid = facts.status === 'paid' ? { amount: facts.amountPaid } : undefined;
    linkIntent(desk, facts.invoiceId, facts.intentId, paid);
    return APPLIED;
  },
});

async function bookNewest(facts: IntentFacts, desk: Desk): Promise<Verdict> {
  const row = paymentOfCharge(desk, null, facts.id);
  let current = facts;
  let seenAt = desk.event.created;
  if (!isFinalIntent(facts.status)) {
    if (isFinalIntent(row?.intentStatus)) return APPLIED;
    if (row?.intentSnapshotAt != null && seenAt <= row.intentSnapshotAt) {
      const read = await desk.reads.intent(facts.id);
      seenAt = read.seenAt;
      // Only how an attempt ended is told by events. What the next one waits for would stay on the row for good.
      current = isFinalIntent(read.facts.status) ? read.facts : { ...read.facts, status: facts.status };
    }
  }
  const owner =
    desk.ledger.user(row?.userId) ?? ownerOf(desk, facts.customerId, { metadata: facts.metadata });
  if (!owner) return facts.customerId === null ? IGNORED : parkedFor(facts.customerId);
  bookIntent(desk, owner, current, seenAt);
  return APPLIED;
}
