import { type IntentFacts, readIntent, readInvoicePayment } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn } from '../books/customer-link.ts';
import { bookIntent, isFinalIntent, linkIntent, paymentOfCharge } from '../books/payment-book.ts';
import { announcePendingDebit } from '../books/pending-debit.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';
import type { StripeReads } from '../stripe-reads.ts';

/**
 * `payment_intent.*`: what the money itself did. Users hear of it through the invoice's events, so that one payment
 * is announced once.
 */
export const onPaymentIntent = handler<Attempt>({
  read: (object) => ({ ...readIntent(object), isAsked: false }),
  complete: nameInvoice,
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

/** An intent, and whether Stripe was asked which invoice it pays. */
type Attempt = IntentFacts & { isAsked: boolean };

/**
 * A debit is with the bank for days, in which nothing else tells which invoice it pays: since basil (2025-03-31) its
 * payload does not, nor does an older one where Checkout makes the invoice afterwards.
 */
async function nameInvoice(facts: Attempt, reads: StripeReads): Promise<Attempt> {
  if (facts.status !== 'processing' || facts.invoiceId !== null) return facts;
  return { ...facts, invoiceId: await reads.invoiceOfIntent(facts.id), isAsked: true };
}

async function bookNewest(given: Attempt, desk: Desk): Promise<Verdict> {
  const isNamed = given.isAsked || desk.ledger.invoiceOfIntent(given.id) !== null;
  const facts = isNamed ? given : await nameInvoice(given, desk.reads);
  if (facts.isAsked && facts.invoiceId !== null) linkIntent(desk, facts.invoiceId, facts.id);
  const row = paymentOfCharge(desk, null, facts.id);
  let current: IntentFacts = facts;
  let seenAt = desk.event.created;
  if (!isFinalIntent(facts.status)) {
    if (isFinalIntent(row?.intentStatus)) return APPLIED;
    if (row?.intentSnapshotAt != null && seenAt <= row.intentSnapshotAt) {
      const read = await desk.reads.intent(facts.id);
      seenAt = read.seenAt;
      const isTold = isFinalIntent(read.facts.status) || read.facts.status === 'processing';
      // Whatever came after the debit was told, or is going to be.
      if (facts.status === 'processing' && !isTold) return APPLIED;
      // What an attempt waits for is told by no event, and would stay on the row for good.
      current = isTold ? read.facts : { ...read.facts, status: facts.status };
      current = {
        ...current,
        invoiceId: current.invoiceId ?? facts.invoiceId,
        failureReason: current.failureReason ?? facts.failureReason,
      };
    }
  }
  const owner =
    desk.ledger.user(row?.userId) ?? ownerOf(desk, facts.customerId, { metadata: facts.metadata });
  if (!owner) return facts.customerId === null ? IGNORED : parkedFor(facts.customerId);
  const payment = bookIntent(desk, owner, current, seenAt);
  if (payment) announcePendingDebit(desk, payment);
  return APPLIED;
}
