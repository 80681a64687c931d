import { z } from 'zod';
import { amount, livemode, readShape, reference, requiredMoment } from './shapes.ts';

/** What is true of a charge. Amounts are minor units of `currency`. */
export type ChargeFacts = {
  id: string;
  customerId: string | null;
  intentId: string | null;
  invoiceId: string | null;
  amountCaptured: number;
  amountRefunded: number;
  currency: string;
  created: Date;
  paymentMethodType: string | null;
  livemode: boolean;
};

const shape = z.object({
  object: z.literal('charge'),
  id: z.string(),
  customer: reference,
  payment_intent: reference,
  invoice: reference,
  amount,
  amount_captured: amount.nullish(),
  amount_refunded: amount,
  currency: z.string(),
  created: requiredMoment,
  payment_method_details: z.object({ type: z.string().nullish() }).nullish(),
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readCharge(object: unknown): ChargeFacts {
  const raw = readShape(shape, 'charge', object);
  return {
    id: raw.id,
    customerId: raw.customer,
    intentId: raw.payment_intent,
    invoiceId: raw.invoice,
    amountCaptured: raw.amount_captured ?? raw.amount,
    amountRefunded: raw.amount_refunded,
    currency: raw.currency.toLowerCase(),
    created: raw.created,
    paymentMethodType: raw.payment_method_details?.type ?? null,
    livemode: raw.livemode,
  };
}
