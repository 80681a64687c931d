import type { User } from '../../../shared/entities/index.ts';
import { type IntentFacts, readIntent, readInvoicePayment } from '../../../shared/stripe/facts/index.ts';
import { isOurs } from '../books/ownership.ts';
import { bookIntent, isFinalIntent, linkIntent, paymentOfCharge } from '../books/payment-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';

/**
 * `payment_intent.*`: what the money itself did. Users hear of it through the invoice's events, so that one payment
 * is announced once. Nothing on an intent says whose it is: its metadata is anybody's.
 */
export const onPaymentIntent = handler({
  read: readIntent,
  touches: (facts) => ({
    customer: facts.customerId,
    intent: facts.id,
    invoices: [facts.invoiceId],
    charge: facts.chargeId,
  }),
  apply: bookNewest,
});

/** `invoice_payment.paid` (basil and later): which intent paid which invoice. Names no customer. */
export const onInvoicePayment = handler({
  read: readInvoicePayment,
  touches: (facts) => ({ invoices: [facts.invoiceId], intent: facts.intentId, charge: facts.chargeId }),
  apply: (facts, desk) => {
    if (facts.intentId === null) return IGNORED;
    linkIntent(desk, facts.invoiceId, facts.intentId);
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
  const owner = desk.ledger.user(row?.userId) ?? payerOf(facts, desk);
  // A customer of ours may pay another shop: until its invoice is known to be ours, the payment is not shown.
  if (owner) {
    bookIntent(desk, owner, current, seenAt);
    return APPLIED;
  }
  if (facts.customerId === null || !(await isOurs(desk, facts.id, facts.invoiceId))) return IGNORED;
  return parkedFor(facts.customerId);
}

/** By the known customer, or the invoice that is on our books. */
function payerOf(facts: IntentFacts, { ledger }: Desk): User | undefined {
  const known = ledger.user(ledger.customer(facts.customerId)?.userId);
  if (known) return known;
  const invoiceId = facts.invoiceId ?? ledger.invoiceOfIntent(facts.id);
  for (const payment of ledger.payments()) {
    if (invoiceId !== null && payment.stripeInvoiceId === invoiceId) return ledger.user(payment.userId);
  }
  return undefined;
}
