import type Stripe from 'stripe';
import { emit } from '../events/emit.ts';
import type { StoredInvoice, StoredPrice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { type CollectResult, collect } from './collecting.ts';
import { decimalOf } from './decimal.ts';
import { lineOf, pendingItems, periodLines } from './invoice-lines.ts';
import { buildInvoice, finalizeInvoice, keepInvoice } from './invoices.ts';
import { type Period, periodFrom } from './period.ts';
import { announceTrialEnd } from './renewing.ts';
import { currentPeriod, newItem, planOf, rhythmOf, setPeriod } from './subscription-object.ts';

export type ProrationBehavior = 'create_prorations' | 'always_invoice' | 'none';

/** One wanted change of a subscription's items. */
export interface ItemChange {
  /** The item to change; a new one when null. */
  item: Stripe.SubscriptionItem | null;
  price: StoredPrice | null;
  quantity: number | null;
  deleted: boolean;
}

/**
 * Changes what a subscription sells. Another interval starts a new period and is billed at once;
 * otherwise the difference waits for the next invoice, or is billed now if asked.
 * @returns the draft to charge once the change is announced, or null
 */
export function changeItems(
  world: World,
  subscription: StoredSubscription,
  changes: ItemChange[],
  behavior: ProrationBehavior,
): StoredInvoice | null {
  const before = currentPeriod(subscription);
  const rhythm = rhythmOf(subscription);
  const old = subscription.items.data.map((item) => ({ ...item }));
  applyChanges(world, subscription, changes, before);
  const isTrial = subscription.status === 'trialing';
  const resets = !isTrial && !sameRhythm(rhythm, rhythmOf(subscription));
  const now = world.clock.now;
  const credits = behavior === 'none' || isTrial ? [] : old.filter((item) => isChanged(item, subscription));
  for (const item of credits) prorate(world, subscription, item, before, -1);
  if (resets) {
    subscription.billing_cycle_anchor = now;
    setPeriod(subscription, periodFrom(now, now, rhythmOf(subscription)));
    return draftNow(world, subscription, before);
  }
  for (const item of credits.length > 0 ? subscription.items.data : []) {
    if (isChangedFrom(item, old)) prorate(world, subscription, item, before, 1);
  }
  return behavior === 'always_invoice' && credits.length > 0 ? draftNow(world, subscription, before) : null;
}

/**
 * Ends a trial now: the first paid period begins.
 * @returns the draft to charge once the change is announced
 */
export function endTrialNow(world: World, subscription: StoredSubscription): StoredInvoice | null {
  const now = world.clock.now;
  const trial = currentPeriod(subscription);
  announceTrialEnd(world, subscription);
  subscription.status = 'active';
  subscription.trial_end = now;
  subscription.billing_cycle_anchor = now;
  setPeriod(subscription, periodFrom(now, now, rhythmOf(subscription)));
  return draftNow(world, subscription, { start: trial.start, end: now });
}

/**
 * Moves the end of a trial, or gives days as a trial to a subscription that runs: it is `trialing` until then, the
 * anchor moves there, and what was paid for beyond now is credited unless told not to.
 * @param end Unix seconds
 * @returns in classic billing the invoice of 0 that says so, or null
 */
export function moveTrialEnd(
  world: World,
  subscription: StoredSubscription,
  end: number,
  behavior: ProrationBehavior,
): StoredInvoice | null {
  const before = currentPeriod(subscription);
  const isRunning = subscription.status !== 'trialing';
  const now = world.clock.now;
  const isClassic = subscription.billing_mode.type === 'classic';
  if (isRunning && behavior !== 'none') {
    for (const item of subscription.items.data) prorate(world, subscription, { ...item }, before, -1);
  }
  // Classic billing remembers the first trial, flexible the newest.
  if (isRunning) subscription.trial_start = isClassic ? (subscription.trial_start ?? now) : now;
  subscription.status = 'trialing';
  subscription.trial_end = end;
  subscription.billing_cycle_anchor = end;
  setPeriod(subscription, { start: isRunning ? now : before.start, end });
  return isRunning && isClassic ? draftNow(world, subscription, before) : null;
}

function applyChanges(
  world: World,
  subscription: StoredSubscription,
  changes: ItemChange[],
  period: Period,
): void {
  for (const { item, price, quantity, deleted } of changes) {
    if (deleted && item) {
      subscription.items.data = subscription.items.data.filter((each) => each.id !== item.id);
    } else if (item) {
      if (price) {
        item.price = price;
        item.plan = planOf(price);
      }
      item.quantity = quantity ?? item.quantity;
    } else if (price) {
      subscription.items.data.push(newItem(world, subscription.id, price, quantity ?? 1, period));
    }
  }
  // A customer pays in one currency; the price decides which.
  subscription.currency = subscription.items.data[0]?.price.currency ?? subscription.currency;
}

function draftNow(world: World, subscription: StoredSubscription, elapsed: Period): StoredInvoice | null {
  const waiting = pendingItems(world, subscription).map((item) => lineOf(world, item));
  const isNewPeriod = currentPeriod(subscription).start === world.clock.now;
  const lines = [...waiting, ...(isNewPeriod ? periodLines(world, subscription) : [])];
  if (lines.length === 0) return null;
  const reason =
    elapsed.end === world.clock.now && isNewPeriod ? 'subscription_cycle' : 'subscription_update';
  const invoice = buildInvoice(world, { subscription, reason, lines, period: elapsed });
  return keepInvoice(world, subscription, invoice);
}

/** Makes an invoice of everything that waits for a subscription's next one, and charges it. */
export function billPending(world: World, subscription: StoredSubscription): void {
  const { start } = currentPeriod(subscription);
  const lines = pendingItems(world, subscription).map((item) => lineOf(world, item));
  if (lines.length === 0) return;
  const period = { start, end: world.clock.now };
  const invoice = buildInvoice(world, { subscription, reason: 'subscription_update', lines, period });
  chargeDraft(world, keepInvoice(world, subscription, invoice));
}

/** Announces, opens and charges the invoice that a change left as a draft. */
export function chargeDraft(world: World, invoice: StoredInvoice): CollectResult {
  emit(world, 'invoice.created', invoice);
  finalizeInvoice(world, invoice);
  return collect(world, invoice, 'absent');
}

/** Notes what the rest of a period costs (1) or gives back (-1), for the next invoice. */
export function prorate(
  world: World,
  subscription: StoredSubscription,
  item: Stripe.SubscriptionItem,
  period: Period,
  sign: 1 | -1,
): void {
  const now = world.clock.now;
  const left = Math.max(0, period.end - now) / (period.end - period.start);
  const price = world.tables.prices.must(item.price.id);
  const full = (price.unit_amount ?? 0) * (item.quantity ?? 1);
  const name = world.tables.products.get(price.product)?.name ?? price.product;
  const amount = sign * Math.round(full * left);
  const created = world.tables.invoiceItems.insert({
    id: `ii_1${world.ids.text(23)}`,
    object: 'invoiceitem',
    amount,
    currency: price.currency,
    customer: subscription.customer,
    customer_account: null,
    date: now,
    description: `${sign < 0 ? 'Unused time on' : 'Remaining time on'} ${name}`,
    discountable: false,
    discounts: [],
    invoice: null,
    livemode: false,
    metadata: {},
    parent: {
      subscription_details: { subscription: subscription.id, subscription_item: item.id },
      type: 'subscription_details',
    },
    period: { start: now, end: period.end },
    pricing: {
      price_details: { price: price.id, product: price.product },
      type: 'price_details',
      unit_amount_decimal: decimalOf(price.unit_amount ?? 0),
    },
    proration: true,
    quantity: item.quantity ?? 1,
    quantity_decimal: decimalOf(item.quantity ?? 1),
    tax_rates: [],
    test_clock: null,
  });
  emit(world, 'invoiceitem.created', created);
}

function isChanged(old: Stripe.SubscriptionItem, subscription: StoredSubscription): boolean {
  const now = subscription.items.data.find((item) => item.id === old.id);
  return !now || now.price.id !== old.price.id || now.quantity !== old.quantity;
}

function isChangedFrom(item: Stripe.SubscriptionItem, old: Stripe.SubscriptionItem[]): boolean {
  const was = old.find((each) => each.id === item.id);
  return !was || was.price.id !== item.price.id || was.quantity !== item.quantity;
}

function sameRhythm(a: Stripe.Price.Recurring, b: Stripe.Price.Recurring): boolean {
  return a.interval === b.interval && a.interval_count === b.interval_count;
}
