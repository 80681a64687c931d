import { z } from 'zod';
import { amount, livemode, readShape, reference, requiredMoment } from './shapes.ts';

/** The link between an invoice and what paid it (basil and later). Amounts are minor units of `currency`. */
export type InvoicePaymentFacts = {
  id: string;
  invoiceId: string;
  intentId: string | null;
  chargeId: string | null;
  status: string;
  amountPaid: number | null;
  currency: string;
  created: Date;
  livemode: boolean;
};

const shape = z.object({
  object: z.literal('invoice_payment'),
  id: z.string(),
  invoice: reference.pipe(z.string('has no invoice')),
  payment: z.object({ payment_intent: reference, charge: reference }),
  status: z.string(),
  amount_paid: amount.nullish(),
  currency: z.string(),
  created: requiredMoment,
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readInvoicePayment(object: unknown): InvoicePaymentFacts {
  const raw = readShape(shape, 'invoice payment', object);
  return {
    id: raw.id,
    invoiceId: raw.invoice,
    intentId: raw.payment.payment_intent,
    chargeId: raw.payment.charge,
    status: raw.status,
    amountPaid: raw.amount_paid ?? null,
    currency: raw.currency.toLowerCase(),
    created: raw.created,
    livemode: raw.livemode,
  };
}
