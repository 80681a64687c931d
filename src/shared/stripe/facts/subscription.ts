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
  /** Everything it sells; premium may be any of it. */
  items: SubscriptionItemFacts[];
  /** The embedded list may end before the last: whether there are more, which only the API tells. */
  hasMoreItems: boolean;
  /** Of the first item, until {@link ofItem} says which one matters. */
  priceId: string | null;
  productId: string | null;
  /** The price's recurring interval (`month`, `year`, …). */
  interval: string | null;
  /** Of the item that matters; before that is known, of the one that ends first. */
  period: Period | null;
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

/** One of the things a subscription sells. */
export type SubscriptionItemFacts = Pick<SubscriptionFacts, 'priceId' | 'productId' | 'interval' | 'period'>;

type Period = { start: Date; end: Date };

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
  const items = raw.items.data.map((entry) => readItem(entry, raw.plan));
  const [first = readItem({ current_period_start: null, current_period_end: null }, raw.plan)] = items;
  const period = periodOf(raw);
  const scheduled = raw.cancel_at ?? (raw.cancel_at_period_end ? (period?.end ?? null) : null);
  return {
    id: raw.id,
    customerId: raw.customer,
    status: raw.status,
    created: raw.created,
    startDate: raw.start_date ?? raw.created,
    livemode: raw.livemode,
    items,
    hasMoreItems: raw.items.has_more ?? false,
    ...first,
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

/** The facts, with price and period those of this item: the one that is premium, among all that is sold along. */
export function ofItem(facts: SubscriptionFacts, item: SubscriptionItemFacts): SubscriptionFacts {
  const { priceId, productId, interval } = item;
  return { ...facts, priceId, productId, interval, period: item.period ?? facts.period };
}

/** Reads items that were asked for by themselves. @throws PermanentError on a shape that no known version has */
export function readSubscriptionItems(objects: readonly unknown[]): SubscriptionItemFacts[] {
  return objects.map((object) => readItem(readShape(item, 'subscription item', object), null));
}

function readItem(entry: z.output<typeof item>, plan: z.output<typeof price>): SubscriptionItemFacts {
  const sold = entry.price ?? entry.plan ?? plan ?? null;
  const { current_period_start: start, current_period_end: end } = entry;
  return {
    priceId: sold?.id ?? null,
    productId: sold?.product ?? null,
    interval: sold?.recurring?.interval ?? sold?.interval ?? null,
    period: start && end ? { start, end } : null,
  };
}

/** Top level until basil (2025-03-31), on the items since; some payloads show both. */
function periodOf(raw: z.output<typeof shape>): Period | null {
  if (raw.current_period_start && raw.current_period_end) {
    return { start: raw.current_period_start, end: raw.current_period_end };
  }
  let earliest: Period | null = null;
  for (const { current_period_start: start, current_period_end: end } of raw.items.data) {
    if (start && end && (earliest === null || end < earliest.end)) earliest = { start, end };
  }
  return earliest;
}
