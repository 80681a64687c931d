import { z } from 'zod';
import { intentError, reasonOf } from './intent.ts';
import { listOf, livemode, metadata, moment, readShape, reference, requiredMoment } from './shapes.ts';

/** What is true of an invoice, whatever API version told it. Amounts are minor units of `currency`. */
export type InvoiceFacts = {
  /** Null on `invoice.upcoming`, which describes an invoice that does not exist yet. */
  id: string | null;
  customerId: string | null;
  customerEmail: string | null;
  subscriptionId: string | null;
  subscriptionMetadata: Record<string, string>;
  /** Not in payloads of basil (2025-03-31) and later: there, invoice payments link the two. */
  intentId: string | null;
  chargeId: string | null;
  /** `draft`, `open`, `paid`, `uncollectible` or `void`; `paid` is the one field that says paid in every version. */
  status: string;
  billingReason: string | null;
  amountDue: number;
  amountPaid: number;
  currency: string;
  created: Date;
  paidAt: Date | null;
  /**
   * Attempts at collecting so far. A bank debit under way is one already: that an attempt failed, only
   * `invoice.payment_failed` and the intent tell.
   */
  attemptCount: number;
  /** Whether collecting was ever tried. */
  attempted: boolean;
  nextAttemptAt: Date | null;
  /** What the subscription's own line pays for; null when the invoice has none, or only prorations. */
  servicePeriod: { start: Date; end: Date } | null;
  hostedInvoiceUrl: string | null;
  /** Why the payment failed, where the intent was read along (expanded). */
  failureReason: string | null;
  /** What the intent says of itself, where it was read along (expanded). */
  intentStatus: string | null;
  /** Why the draft could not be finalised the last time this was tried: Stripe's code, or its words. */
  finalizationError: string | null;
  /** Whether automatic tax finds no address to go by. */
  lacksTaxLocation: boolean;
  livemode: boolean;
};

const lineDetails = z.object({ subscription: reference, proration: z.boolean().nullish() }).nullish();

const line = z.object({
  parent: z
    .object({
      type: z.string().nullish(),
      subscription_item_details: lineDetails,
      invoice_item_details: lineDetails,
    })
    .nullish(),
  type: z.string().nullish(),
  subscription: reference,
  proration: z.boolean().nullish(),
  period: z.object({ start: requiredMoment, end: requiredMoment }),
});

/** An expandable reference that also tells why the intent failed, when it was expanded. */
const intent = z
  .union([
    z.string(),
    z.object({ id: z.string(), status: z.string().nullish(), last_payment_error: intentError }),
  ])
  .nullish()
  .transform((value) =>
    typeof value === 'string' ? { id: value, status: null, last_payment_error: null } : value,
  );

const payment = z.object({
  payment: z.object({ payment_intent: intent, charge: reference }).nullish(),
  status: z.string().nullish(),
  is_default: z.boolean().nullish(),
});

const shape = z.object({
  object: z.literal('invoice'),
  id: z.string().nullish(),
  customer: reference,
  customer_email: z.string().nullish(),
  parent: z
    .object({ subscription_details: z.object({ subscription: reference, metadata }).nullish() })
    .nullish(),
  subscription: reference,
  subscription_details: z.object({ metadata }).nullish(),
  payment_intent: intent,
  charge: reference,
  payments: listOf(payment).nullish(),
  status: z.string().nullish(),
  billing_reason: z.string().nullish(),
  amount_due: z.number(),
  amount_paid: z.number(),
  currency: z.string(),
  created: requiredMoment,
  status_transitions: z.object({ paid_at: moment }).nullish(),
  attempt_count: z.number().nullish(),
  attempted: z.boolean().nullish(),
  next_payment_attempt: moment,
  last_finalization_error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  automatic_tax: z.object({ status: z.string().nullish() }).nullish(),
  lines: listOf(line).nullish(),
  hosted_invoice_url: z.string().nullish(),
  livemode,
});

const NO_TAX_LOCATION = 'customer_tax_location_invalid';

/** @throws PermanentError on a shape that no known version has */
export function readInvoice(object: unknown): InvoiceFacts {
  const raw = readShape(shape, 'invoice', object);
  const collected = collectedBy(raw.payments?.data ?? []);
  const collecting = raw.payment_intent ?? collected?.payment_intent;
  const lines = raw.lines?.data ?? [];
  const finalization = raw.last_finalization_error;
  return {
    id: raw.id ?? null,
    customerId: raw.customer,
    customerEmail: raw.customer_email ?? null,
    subscriptionId:
      raw.parent?.subscription_details?.subscription ??
      raw.subscription ??
      lines.map(subscriptionOf).find((id) => id !== null) ??
      null,
    subscriptionMetadata:
      raw.parent?.subscription_details?.metadata ?? raw.subscription_details?.metadata ?? {},
    intentId: collecting?.id ?? null,
    chargeId: raw.charge ?? collected?.charge ?? null,
    status: raw.status ?? 'draft',
    billingReason: raw.billing_reason ?? null,
    amountDue: raw.amount_due,
    amountPaid: raw.amount_paid,
    currency: raw.currency.toLowerCase(),
    created: raw.created,
    paidAt: raw.status_transitions?.paid_at ?? null,
    attemptCount: raw.attempt_count ?? 0,
    attempted: raw.attempted ?? (raw.attempt_count ?? 0) > 0,
    nextAttemptAt: raw.next_payment_attempt,
    servicePeriod: servicePeriodOf(lines),
    hostedInvoiceUrl: raw.hosted_invoice_url ?? null,
    failureReason: reasonOf(collecting?.last_payment_error),
    intentStatus: collecting?.status ?? null,
    finalizationError: finalization?.code ?? finalization?.message ?? null,
    lacksTaxLocation:
      raw.automatic_tax?.status === 'requires_location_inputs' || finalization?.code === NO_TAX_LOCATION,
    livemode: raw.livemode,
  };
}

/** Of several payments the one that went through; before any did, the one that Stripe tries by itself. */
function collectedBy(payments: readonly z.output<typeof payment>[]) {
  const ours = payments.filter(({ payment: by }) => by?.payment_intent || by?.charge);
  const chosen =
    ours.find(({ status }) => status === 'paid') ?? ours.find((each) => each.is_default) ?? ours.at(0);
  return chosen?.payment;
}

type Line = z.output<typeof line>;

function detailsOf(entry: Line): z.output<typeof lineDetails> {
  return entry.parent?.subscription_item_details ?? entry.parent?.invoice_item_details;
}

function subscriptionOf(entry: Line): string | null {
  return detailsOf(entry)?.subscription ?? entry.subscription;
}

/** An invoice's own `period_*` is the window of pending items, so what is paid for stands on its lines. */
function servicePeriodOf(lines: readonly Line[]): InvoiceFacts['servicePeriod'] {
  let period: InvoiceFacts['servicePeriod'] = null;
  for (const entry of lines) {
    const ofSubscription = entry.parent
      ? entry.parent.type === 'subscription_item_details'
      : entry.type === 'subscription';
    if (!ofSubscription || (detailsOf(entry)?.proration ?? entry.proration ?? false)) continue;
    if (period === null || entry.period.end > period.end) period = entry.period;
  }
  return period && { start: period.start, end: period.end };
}
