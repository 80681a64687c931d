import { z } from 'zod';
import { reasonOf } from './invoice.ts';
import { listOf, livemode, metadata, moment, readShape, reference, requiredMoment } from './shapes.ts';

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

const intentShape = z.looseObject({
  object: z.literal('payment_intent'),
  id: z.string(),
  customer: reference,
  invoice: reference.optional(),
  status: z.string(),
  amount: z.number(),
  amount_received: z.number().nullish(),
  currency: z.string(),
  created: requiredMoment,
  latest_charge: reference,
  charges: listOf(z.looseObject({ id: z.string() })).nullish(),
  payment_method_types: z.array(z.string()).nullish(),
  last_payment_error: z
    .looseObject({
      code: z.string().nullish(),
      decline_code: z.string().nullish(),
      message: z.string().nullish(),
      payment_method: z.looseObject({ type: z.string().nullish() }).nullish(),
    })
    .nullish(),
  metadata,
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readIntent(object: unknown): IntentFacts {
  const raw = readShape(intentShape, 'payment intent', object);
  return {
    id: raw.id,
    customerId: raw.customer,
    invoiceId: raw.invoice ?? null,
    namesInvoice: hasKey(object, 'invoice'),
    status: raw.status,
    amount: raw.status === 'succeeded' ? (raw.amount_received ?? raw.amount) : raw.amount,
    currency: raw.currency.toLowerCase(),
    created: raw.created,
    chargeId: raw.latest_charge ?? raw.charges?.data[0]?.id ?? null,
    paymentMethodType: raw.last_payment_error?.payment_method?.type ?? raw.payment_method_types?.[0] ?? null,
    failureReason: reasonOf(raw.last_payment_error),
    metadata: raw.metadata,
    livemode: raw.livemode,
  };
}

function hasKey(object: unknown, key: string): boolean {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, key);
}

const invoicePaymentShape = z.looseObject({
  object: z.literal('invoice_payment'),
  id: z.string(),
  invoice: reference.pipe(z.string('has no invoice')),
  payment: z.looseObject({ payment_intent: reference, charge: reference }),
  status: z.string(),
  amount_paid: z.number().nullish(),
  currency: z.string(),
  created: requiredMoment,
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readInvoicePayment(object: unknown): InvoicePaymentFacts {
  const raw = readShape(invoicePaymentShape, 'invoice payment', object);
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

const chargeShape = z.looseObject({
  object: z.literal('charge'),
  id: z.string(),
  customer: reference,
  payment_intent: reference,
  invoice: reference,
  amount: z.number(),
  amount_captured: z.number().nullish(),
  amount_refunded: z.number(),
  currency: z.string(),
  created: requiredMoment,
  payment_method_details: z.looseObject({ type: z.string().nullish() }).nullish(),
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readCharge(object: unknown): ChargeFacts {
  const raw = readShape(chargeShape, 'charge', object);
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

const refundShape = z.looseObject({
  object: z.literal('refund'),
  id: z.string(),
  charge: reference,
  payment_intent: reference,
  amount: z.number(),
  currency: z.string(),
  status: z.string().nullish(),
  created: requiredMoment,
});

/** @throws PermanentError on a shape that no known version has */
export function readRefund(object: unknown): RefundFacts {
  const raw = readShape(refundShape, 'refund', object);
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

const disputeShape = z.looseObject({
  object: z.literal('dispute'),
  id: z.string(),
  charge: reference,
  payment_intent: reference,
  amount: z.number(),
  currency: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  created: requiredMoment,
  evidence_details: z.looseObject({ due_by: moment }).nullish(),
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readDispute(object: unknown): DisputeFacts {
  const raw = readShape(disputeShape, 'dispute', object);
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
