import { z } from 'zod';
import type { SettledBy } from '../../entities/index.ts';
import { intentError, reasonOf } from './intent.ts';
import {
  amount,
  listOf,
  livemode,
  metadata,
  moment,
  readShape,
  reference,
  requiredMoment,
} from './shapes.ts';

/** What is true of an invoice, whatever API version told it. Amounts are minor units of `currency`. */
export type InvoiceFacts = {
  /** Null on `invoice.upcoming`, which describes an invoice that does not exist yet. */
  id: string | null;
  customerId: string | null;
  customerEmail: string | null;
  subscriptionId: string | null;
  subscriptionMetadata: Record<string, string>;
  /**
   * Not in payloads of basil (2025-03-31) and later: there, invoice payments link the two. Before, an invoice named one
   * intent only, which need not be the one that paid it.
   */
  intentId: string | null;
  chargeId: string | null;
  /** `draft`, `open`, `paid`, `uncollectible` or `void`; `paid` is the one field that says paid in every version. */
  status: string;
  billingReason: string | null;
  amountDue: number;
  /** What was paid outside of Stripe counts, as in versions since basil. */
  amountPaid: number;
  /** How it was paid where no payment through Stripe did it; null while it is not paid, and where one did. */
  settledBy: SettledBy | null;
  /** Every intent that is, was or may be for it; only where payments were read along (expanded). */
  payments: InvoicePaymentOfInvoice[];
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
  lines: InvoiceLine[];
  /** The embedded list ends after ten lines: whether there are more, which only the API tells. */
  hasMoreLines: boolean;
  /** What the subscription's own line pays for; null when the invoice has none, or only prorations. */
  servicePeriod: Period | null;
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

type Period = { start: Date; end: Date };

/** One of several payments of an invoice. */
export type InvoicePaymentOfInvoice = {
  intentId: string;
  /** `open`, `paid` or `canceled`. */
  status: string | null;
  /** What it paid of the invoice, where that was told. */
  amountPaid: number | null;
  failureReason: string | null;
};

/** What a line of an invoice is for. */
export type InvoiceLine = {
  subscriptionId: string | null;
  priceId: string | null;
  productId: string | null;
  /** Whether it is a subscription's own line for a period, and no correction of one. */
  isService: boolean;
  period: Period;
};

const lineDetails = z.object({ subscription: reference, proration: z.boolean().nullish() }).nullish();

/** A price, or a plan as they were called before, by its id or whole. */
const pricedThing = z
  .union([z.string(), z.object({ id: z.string(), product: reference })])
  .nullish()
  .transform((value) => (typeof value === 'string' ? { id: value, product: null } : value));

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
  pricing: z
    .object({ price_details: z.object({ price: reference, product: reference }).nullish() })
    .nullish(),
  price: pricedThing,
  plan: pricedThing,
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
  payment: z.object({ type: z.string().nullish(), payment_intent: intent, charge: reference }).nullish(),
  status: z.string().nullish(),
  amount_paid: amount.nullish(),
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
  amount_due: amount,
  amount_paid: amount,
  amount_paid_off_stripe: amount.nullish(),
  paid_out_of_band: z.boolean().nullish(),
  pre_payment_credit_notes_amount: amount.nullish(),
  currency: z.string(),
  created: requiredMoment,
  status_transitions: z.object({ paid_at: moment }).nullish(),
  attempt_count: z.int().nullish(),
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
  const lines = (raw.lines?.data ?? []).map(readLine);
  const subscriptionId =
    raw.parent?.subscription_details?.subscription ??
    raw.subscription ??
    lines.map((entry) => entry.subscriptionId).find((id) => id !== null) ??
    null;
  const settledBy = settlementOf(raw);
  const finalization = raw.last_finalization_error;
  return {
    id: raw.id ?? null,
    customerId: raw.customer,
    customerEmail: raw.customer_email ?? null,
    subscriptionId,
    subscriptionMetadata:
      raw.parent?.subscription_details?.metadata ?? raw.subscription_details?.metadata ?? {},
    intentId: collecting?.id ?? null,
    chargeId: raw.charge ?? collected?.charge ?? null,
    status: raw.status ?? 'draft',
    billingReason: raw.billing_reason ?? null,
    amountDue: raw.amount_due,
    amountPaid: settledBy === 'out_of_band' ? raw.amount_paid || raw.amount_due : raw.amount_paid,
    settledBy,
    payments: (raw.payments?.data ?? []).flatMap(readPayment),
    currency: raw.currency.toLowerCase(),
    created: raw.created,
    paidAt: raw.status_transitions?.paid_at ?? null,
    attemptCount: raw.attempt_count ?? 0,
    attempted: raw.attempted ?? (raw.attempt_count ?? 0) > 0,
    nextAttemptAt: raw.next_payment_attempt,
    lines,
    hasMoreLines: raw.lines?.has_more ?? false,
    servicePeriod: servicePeriodOf(lines, subscriptionId),
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

function readPayment(entry: z.output<typeof payment>): InvoicePaymentOfInvoice[] {
  const intentOf = entry.payment?.payment_intent;
  if (!intentOf) return [];
  return [
    {
      intentId: intentOf.id,
      status: entry.status ?? null,
      amountPaid: entry.amount_paid ?? null,
      failureReason: reasonOf(intentOf.last_payment_error),
    },
  ];
}

/**
 * An invoice can be paid without a payment. Before basil `amount_paid` left out what was paid by hand and a flag said
 * it; since, the amount includes it, and a part of its own says how much that was (from 2026-05-27 on).
 */
function settlementOf(raw: z.output<typeof shape>): SettledBy | null {
  if (raw.status !== 'paid') return null;
  const byRecord = raw.payments?.data.some(
    ({ payment: by, status }) => by?.type === 'payment_record' && status === 'paid',
  );
  if (raw.paid_out_of_band || (raw.amount_paid_off_stripe ?? 0) > 0 || byRecord) return 'out_of_band';
  if (raw.amount_paid > 0) return null;
  return (raw.pre_payment_credit_notes_amount ?? 0) > 0 ? 'credit_note' : 'balance';
}

type Line = z.output<typeof line>;

/** Reads lines that were asked for by themselves. @throws PermanentError on a shape that no known version has */
export function readInvoiceLines(objects: readonly unknown[]): InvoiceLine[] {
  return objects.map((object) => readLine(readShape(line, 'invoice line', object)));
}

function readLine(entry: Line): InvoiceLine {
  const details = entry.parent?.subscription_item_details ?? entry.parent?.invoice_item_details;
  const priced = entry.price ?? entry.plan;
  const isOfSubscription = entry.parent
    ? entry.parent.type === 'subscription_item_details'
    : entry.type === 'subscription';
  return {
    subscriptionId: details?.subscription ?? entry.subscription,
    priceId: entry.pricing?.price_details?.price ?? priced?.id ?? null,
    productId: entry.pricing?.price_details?.product ?? priced?.product ?? null,
    isService: isOfSubscription && !(details?.proration ?? entry.proration ?? false),
    period: { start: entry.period.start, end: entry.period.end },
  };
}

/**
 * What an invoice pays for. Its own `period_*` is the window of pending items, so that stands on its lines.
 * @param isWanted which of several things on one subscription; when it is none of them, all count
 */
export function servicePeriodOf(
  lines: readonly InvoiceLine[],
  subscriptionId: string | null,
  isWanted: (line: InvoiceLine) => boolean = () => true,
): Period | null {
  const own = lines.filter(
    (entry) => entry.isService && (entry.subscriptionId ?? subscriptionId) === subscriptionId,
  );
  const wanted = own.filter(isWanted);
  return (wanted.length > 0 ? wanted : own).reduce<Period | null>(
    (latest, { period }) => (latest === null || period.end > latest.end ? period : latest),
    null,
  );
}
