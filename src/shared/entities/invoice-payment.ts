import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/** Which invoice an intent pays: since basil (2025-03-31) only `invoice_payment.paid` and the API tell. */
export const InvoicePayment = defineEntity({
  name: 'InvoicePayment',
  tableName: 'invoice_payments',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    stripeInvoiceId: p.string().length(255),
    stripePaymentIntentId: p.string().length(255),
    createdAt: utcTimestamp(),
  },
});
export type InvoicePayment = InferEntity<typeof InvoicePayment>;
