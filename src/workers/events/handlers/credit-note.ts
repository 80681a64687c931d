import { readCreditNote } from '../../../shared/stripe/facts/index.ts';
import { handler } from '../desk.ts';
import { APPLIED, IGNORED } from '../event.ts';

/**
 * `credit_note.*`: what was given back of an invoice, in whatever way. A refund among it, and an open invoice that is
 * paid by it, have events of their own. Kept for customers of ours only, and never waited for: it merely tells the
 * operator that a payment is settled.
 */
export const onCreditNote = handler({
  read: readCreditNote,
  touches: (facts) => ({ customer: facts.customerId, invoices: [facts.invoiceId] }),
  apply: (facts, { ledger }) => {
    const isOurs =
      ledger.hasPaymentOfInvoice(facts.invoiceId) || ledger.customer(facts.customerId)?.userId != null;
    if (!isOurs) return IGNORED;
    ledger.keepCreditNote(facts);
    return APPLIED;
  },
});
