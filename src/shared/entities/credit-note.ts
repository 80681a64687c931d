import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/** A credit note over an invoice. What it takes off an invoice that is still open, the invoice itself tells. */
export const CreditNote = defineEntity({
  name: 'CreditNote',
  tableName: 'credit_notes',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    stripeCreditNoteId: p.string().length(255),
    stripeInvoiceId: p.string().length(255),
    /** What it gives back of money that was paid, by refund, balance or otherwise: minor units of `currency`. */
    amount: wholeNumber(),
    currency: p.string().length(3),
    /** `issued`, or `void` for good. */
    status: p.string().length(50),
    /** When Stripe made it. */
    createdAt: utcTimestamp(),
    livemode: p.boolean(),
  },
});
export type CreditNote = InferEntity<typeof CreditNote>;
