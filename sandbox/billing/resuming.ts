import type Stripe from 'stripe';
import { emit, update } from '../events/emit.ts';
import type { Resumption, StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { prorate } from './changing.ts';
import { collect } from './collecting.ts';
import { lineOf, pendingItems, periodLines } from './invoice-lines.ts';
import { buildInvoice, finalizeInvoice, keepInvoice, voidInvoice } from './invoices.ts';
import { type Period, periodFrom } from './period.ts';
import { planAhead } from './renewing.ts';
import { currentPeriod, rhythmOf, setPeriod } from './subscription-object.ts';

type PauseReason = Stripe.Subscription.StatusDetails.Paused.Subscription.Type;

/** How a resumption was asked for; Stripe's defaults are `now` and `resume_on_payment_attempt`. */
export interface ResumeWish {
  anchor: 'now' | 'unchanged';
  behavior: Resumption['behavior'];
}

/** How long a resumption's invoice waits for an attempt to pay it. */
const RESUMPTION_EXPIRES_AFTER = 23 * 3_600;

/** Pauses a whole subscription: no invoices and no new periods until it is resumed. */
export function pauseSubscription(world: World, subscription: StoredSubscription, reason: PauseReason): void {
  for (const plan of ['renew', 'upcoming', 'trial'] as const)
    world.agenda.cancel(`${plan}:${subscription.id}`);
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.status = 'paused';
    changed.status_details = {
      paused: { subscription: { type: reason }, transitioned_at: world.clock.now, type: 'subscription' },
    };
  });
  emit(world, 'customer.subscription.paused', subscription);
}

/** What a pause gives back of a period that was paid: a credit for the next invoice. */
export function creditUnusedTime(world: World, subscription: StoredSubscription): void {
  const period = currentPeriod(subscription);
  if (period.end <= world.clock.now) return;
  for (const item of subscription.items.data) prorate(world, subscription, item, period, -1);
}

/**
 * Begins to resume a paused subscription. What its next period costs becomes an open invoice, and until somebody has
 * tried to pay that it stays `paused`; without anything to pay it is active at once.
 */
export function resumePaused(world: World, subscription: StoredSubscription, wish: ResumeWish): void {
  const running = currentPeriod(subscription);
  const now = world.clock.now;
  if (wish.anchor === 'unchanged' && running.end > now) {
    goOn(world, subscription, null, 'active');
    return;
  }
  const anchor = wish.anchor === 'now' ? now : subscription.billing_cycle_anchor;
  const period = periodFrom(anchor, now, rhythmOf(subscription));
  const invoice = resumptionInvoice(world, subscription, period);
  world.tables.resumptions.set(subscription.id, {
    invoice: invoice.id,
    anchor,
    period,
    behavior: wish.behavior,
  });
  emit(world, 'invoice.created', invoice);
  finalizeInvoice(world, invoice);
  if (invoice.status === 'paid') {
    resumedBy(world, invoice, 'paid');
    return;
  }
  world.agenda.set(`resumption:${subscription.id}`, now + RESUMPTION_EXPIRES_AFTER, () => {
    if (invoice.status === 'open') voidInvoice(world, invoice);
    world.tables.resumptions.delete(subscription.id);
  });
  if (wish.behavior === 'resume_on_payment_success') {
    invoice.auto_advance = true;
    collect(world, invoice, 'absent');
  }
}

/**
 * What an attempt to pay means for the subscription that it was to resume.
 * @returns whether the invoice was a resumption's
 */
export function resumedBy(
  world: World,
  invoice: StoredInvoice,
  result: 'paid' | 'failed' | 'processing',
): boolean {
  const id = String(invoice.parent?.subscription_details?.subscription);
  const resumption = world.tables.resumptions.get(id);
  if (resumption?.invoice !== invoice.id) return false;
  const subscription = world.tables.subscriptions.must(id);
  if (result === 'failed' && resumption.behavior === 'resume_on_payment_success') return true;
  goOn(world, subscription, resumption, result === 'failed' ? 'past_due' : 'active');
  return true;
}

function goOn(
  world: World,
  subscription: StoredSubscription,
  resumption: Resumption | null,
  status: 'active' | 'past_due',
): void {
  world.agenda.cancel(`resumption:${subscription.id}`);
  world.tables.resumptions.delete(subscription.id);
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    delete changed.status_details;
    changed.status = status;
    if (resumption === null) return;
    changed.billing_cycle_anchor = resumption.anchor;
    setPeriod(changed, resumption.period);
  });
  emit(world, 'customer.subscription.resumed', subscription);
  planAhead(world, subscription);
}

// The lines show the period that would begin; the subscription itself moves there when it goes on.
function resumptionInvoice(world: World, subscription: StoredSubscription, period: Period): StoredInvoice {
  const now = world.clock.now;
  const ahead = periodLines(world, { ...subscription, status: 'active' }).map((line) => ({
    ...line,
    period,
  }));
  const waiting = pendingItems(world, subscription).map((item) => lineOf(world, item));
  const invoice = buildInvoice(world, {
    subscription,
    reason: 'subscription_cycle',
    lines: [...waiting, ...ahead],
    period: { start: now, end: now },
  });
  invoice.auto_advance = false;
  return keepInvoice(world, subscription, invoice);
}
