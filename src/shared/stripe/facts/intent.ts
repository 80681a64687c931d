import { z } from 'zod';
import { amount, listOf, livemode, metadata, readShape, reference, requiredMoment } from './shapes.ts';

/** What is true of a payment intent. `amount` is minor units of `currency`. */
export type IntentFacts = {
  id: string;
  customerId: string | null;
  /** Null when there is none, or when the payload cannot tell (basil and later): see `namesInvoice`. */
  invoiceId: string | null;
  /** Whether this version's payload says which invoice the intent belongs to, if any. */
  namesInvoice: boolean;
  status: string;
  amount: number;
  currency: string;
  created: Date;
  chargeId: string | null;
  paymentMethodType: string | null;
  failureReason: string | null;
  metadata: Record<string, string>;
  livemode: boolean;
};

/** `last_payment_error`, on an intent of its own and on one that was expanded inside an invoice. */
export const intentError = z
  .object({
    code: z.string().nullish(),
    decline_code: z.string().nullish(),
    message: z.string().nullish(),
    payment_method: z.object({ type: z.string().nullish() }).nullish(),
  })
  .nullish();

const shape = z.object({
  object: z.literal('payment_intent'),
  id: z.string(),
  customer: reference,
  invoice: reference.optional(),
  status: z.string(),
  amount,
  amount_received: amount.nullish(),
  currency: z.string(),
  created: requiredMoment,
  latest_charge: reference,
  charges: listOf(
    z.object({ id: z.string(), created: z.number().nullish(), status: z.string().nullish() }),
  ).nullish(),
  payment_method_types: z.array(z.string()).nullish(),
  last_payment_error: intentError,
  metadata,
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readIntent(object: unknown): IntentFacts {
  const raw = readShape(shape, 'payment intent', object);
  return {
    id: raw.id,
    customerId: raw.customer,
    invoiceId: raw.invoice ?? null,
    namesInvoice: hasKey(object, 'invoice'),
    status: raw.status,
    amount: raw.status === 'succeeded' ? (raw.amount_received ?? raw.amount) : raw.amount,
    currency: raw.currency.toLowerCase(),
    created: raw.created,
    chargeId: raw.latest_charge ?? latestOf(raw.charges?.data ?? []),
    paymentMethodType: raw.last_payment_error?.payment_method?.type ?? raw.payment_method_types?.[0] ?? null,
    failureReason: reasonOf(raw.last_payment_error),
    metadata: raw.metadata,
    livemode: raw.livemode,
  };
}

/** Of an intent's charges the one that went through, else the last one, in whatever order they are listed. */
function latestOf(
  charges: readonly { id: string; created?: number | null; status?: string | null }[],
): string | null {
  const rank = (charge: (typeof charges)[number]): number =>
    charge.status === 'succeeded' ? Number.POSITIVE_INFINITY : (charge.created ?? 0);
  const [latest] = charges.toSorted((a, b) => rank(b) - rank(a) || 0);
  return latest?.id ?? null;
}

function hasKey(object: unknown, key: string): boolean {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, key);
}

/** A decline in Stripe's words for people, or its code. Null when nothing failed. */
export function reasonOf(error: z.output<typeof intentError>): string | null {
  return error?.message ?? error?.decline_code ?? error?.code ?? null;
}
