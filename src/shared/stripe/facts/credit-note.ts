import { z } from 'zod';
import { amount, livemode, readShape, reference, requiredMoment } from './shapes.ts';

/** A credit note; amounts are minor units of `currency`. */
export type CreditNoteFacts = {
  id: string;
  invoiceId: string;
  customerId: string | null;
  /** What it gives back of money that was paid; what it takes off an open invoice is not in it. */
  afterPayment: number;
  currency: string;
  status: string;
  created: Date;
  livemode: boolean;
};

const shape = z.object({
  object: z.literal('credit_note'),
  id: z.string(),
  invoice: reference.pipe(z.string('has no invoice')),
  customer: reference,
  amount,
  /** Since a credit note can be of both types at once (`mixed`); before, the whole is of its type. */
  post_payment_amount: amount.nullish(),
  type: z.string(),
  currency: z.string(),
  status: z.string(),
  created: requiredMoment,
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readCreditNote(object: unknown): CreditNoteFacts {
  const raw = readShape(shape, 'credit note', object);
  return {
    id: raw.id,
    invoiceId: raw.invoice,
    customerId: raw.customer,
    afterPayment: raw.post_payment_amount ?? (raw.type === 'pre_payment' ? 0 : raw.amount),
    currency: raw.currency.toLowerCase(),
    status: raw.status,
    created: raw.created,
    livemode: raw.livemode,
  };
}
