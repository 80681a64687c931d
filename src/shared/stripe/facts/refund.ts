import { z } from 'zod';
import { amount, readShape, reference, requiredMoment } from './shapes.ts';

/** A refund; its money is counted on the charge, its status can go from `succeeded` to `failed`. */
export type RefundFacts = {
  id: string;
  chargeId: string | null;
  intentId: string | null;
  amount: number;
  currency: string;
  status: string | null;
  created: Date;
};

const shape = z.object({
  object: z.literal('refund'),
  id: z.string(),
  charge: reference,
  payment_intent: reference,
  amount,
  currency: z.string(),
  status: z.string().nullish(),
  created: requiredMoment,
});

/** @throws PermanentError on a shape that no known version has */
export function readRefund(object: unknown): RefundFacts {
  const raw = readShape(shape, 'refund', object);
  return {
    id: raw.id,
    chargeId: raw.charge,
    intentId: raw.payment_intent,
    amount: raw.amount,
    currency: raw.currency.toLowerCase(),
    status: raw.status ?? null,
    created: raw.created,
  };
}
