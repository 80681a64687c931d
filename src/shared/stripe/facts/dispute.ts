import { z } from 'zod';
import { amount, livemode, moment, readShape, reference, requiredMoment } from './shapes.ts';

/** A dispute; `warning_*` statuses are inquiries that move no money. */
export type DisputeFacts = {
  id: string;
  chargeId: string | null;
  intentId: string | null;
  amount: number;
  currency: string;
  status: string;
  reason: string | null;
  created: Date;
  evidenceDueBy: Date | null;
  livemode: boolean;
};

const shape = z.object({
  object: z.literal('dispute'),
  id: z.string(),
  charge: reference,
  payment_intent: reference,
  amount,
  currency: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  created: requiredMoment,
  evidence_details: z.object({ due_by: moment }).nullish(),
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readDispute(object: unknown): DisputeFacts {
  const raw = readShape(shape, 'dispute', object);
  return {
    id: raw.id,
    chargeId: raw.charge,
    intentId: raw.payment_intent,
    amount: raw.amount,
    currency: raw.currency.toLowerCase(),
    status: raw.status,
    reason: raw.reason ?? null,
    created: raw.created,
    evidenceDueBy: raw.evidence_details?.due_by ?? null,
    livemode: raw.livemode,
  };
}
