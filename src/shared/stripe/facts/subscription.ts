import { z } from 'zod';
import { type InvoiceFacts, readInvoice } from './invoice.ts';
import { listOf, livemode, metadata, moment, readShape, reference, requiredMoment } from './shapes.ts';

/** What is true of a subscription, whatever API version told it. */
export type SubscriptionFacts = {
  id: string;
  customerId: string;
  /** Stripe's own word; the set is open. */
  status: string;
  created: Date;
  startDate: Date;
  livemode: boolean;
  priceId: string | null;
  productId: string | null;
  /** The price's recurring interval (`month`, `year`, …). */
  interval: string | null;
  /** With items of several intervals, the earliest end: that is where Stripe cancels at period end. */
  period: { start: Date; end: Date } | null;
  /** When a scheduled cancellation takes effect; null when none is scheduled. */
  cancelAt: Date | null;
  canceledAt: Date | null;
  endedAt: Date | null;
  trialStart: Date | null;
  trialEnd: Date | null;
  /** `pause_collection` is set: invoices are made but not collected. Not the same as status `paused`. */
  collectionPaused: boolean;
  /** `charge_automatically` or `send_invoice`. */
  collectionMethod: string;
  /** Why Stripe switched automatic tax off by itself; null when it is on, or nobody wanted it. */
  taxDisabledReason: string | null;
  metadata: Record<string, string>;
  latestInvoiceId: string | null;
  /** Only when the object was read with `latest_invoice` expanded. */
  latestInvoice: InvoiceFacts | null;
};

const price = z
  .object({
    id: z.string(),
    product: reference,
    recurring: z.object({ interval: z.string() }).nullish(),
    /** Where plans keep what prices keep under `recurring`. */
    interval: z.string().nullish(),
  })
  .nullish();

const item = z.object({
  price,
  plan: price,
  current_period_start: moment,
  current_period_end: moment,
});

const shape = z.object({
  object: z.literal('subscription'),
  id: z.string(),
  customer: reference.pipe(z.string('has no customer')),
  status: z.string(),
  created: requiredMoment,
  start_date: moment,
  livemode,
  items: listOf(item),
  plan: price,
  current_period_start: moment,
  current_period_end: moment,
  cancel_at: moment,
  cancel_at_period_end: z.boolean().nullish(),
  canceled_at: moment,
  ended_at: moment,
  trial_start: moment,
  trial_end: moment,
  pause_collection: z.unknown().optional(),
  collection_method: z.string().nullish(),
  automatic_tax: z.object({ disabled_reason: z.string().nullish() }).nullish(),
  metadata,
  latest_invoice: z.unknown().optional(),
});

/** Statuses that Stripe never leaves (docs.stripe.com/billing/subscriptions/overview). */
export function isEndedStatus(status: string | null): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

/** @throws PermanentError on a shape that no known version has */
export function readSubscription(object: unknown): SubscriptionFacts {
  const raw = readShape(shape, 'subscription', object);
  const [first] = raw.items.data;
  const paid = first?.price ?? first?.plan ?? raw.plan ?? null;
  const period = periodOf(raw);
  const scheduled = raw.cancel_at ?? (raw.cancel_at_period_end ? (period?.end ?? null) : null);
  return {
    id: raw.id,
    customerId: raw.customer,
    status: raw.status,
    created: raw.created,
    startDate: raw.start_date ?? raw.created,
    livemode: raw.livemode,
    priceId: paid?.id ?? null,
    productId: paid?.product ?? null,
    interval: paid?.recurring?.interval ?? paid?.interval ?? null,
    period,
    cancelAt: isEndedStatus(raw.status) ? null : scheduled,
    canceledAt: raw.canceled_at,
    endedAt: raw.ended_at,
    trialStart: raw.trial_start,
    trialEnd: raw.trial_end,
    collectionPaused: raw.pause_collection != null,
    collectionMethod: raw.collection_method ?? 'charge_automatically',
    taxDisabledReason: raw.automatic_tax?.disabled_reason ?? null,
    metadata: raw.metadata,
    latestInvoiceId: reference.safeParse(raw.latest_invoice).data ?? null,
    latestInvoice:
      raw.latest_invoice !== null && typeof raw.latest_invoice === 'object'
        ? readInvoice(raw.latest_invoice)
        : null,
  };
}

/** Top level until basil (2025-03-31), on the items since; some payloads show both. */
function periodOf(raw: z.output<typeof shape>): SubscriptionFacts['period'] {
  if (raw.current_period_start && raw.current_period_end) {
    return { start: raw.current_period_start, end: raw.current_period_end };
  }
  let earliest: SubscriptionFacts['period'] = null;
  for (const { current_period_start: start, current_period_end: end } of raw.items.data) {
    if (start && end && (earliest === null || end < earliest.end)) earliest = { start, end };
  }
  return earliest;
}
