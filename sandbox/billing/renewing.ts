import { emit, update } from '../events/emit.ts';
import type { StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancelSubscription, isOver } from './canceling.ts';
import { collect } from './collecting.ts';
import { lineOf, pendingItems, periodLines } from './invoice-lines.ts';
import {
  buildInvoice,
  finalizeInvoice,
  keepInvoice,
  markUncollectible,
  subscriptionOf,
  voidInvoice,
} from './invoices.ts';
import { type Period, periodFrom } from './period.ts';
import { pauseSubscription } from './resuming.ts';
import { beginDuePhase } from './scheduling.ts';
import { currentPeriod, rhythmOf, setPeriod } from './subscription-object.ts';
import { isStoppedByTax } from './tax-trouble.ts';

/** Plans everything that a subscription's dates bring: renewal, its announcement, trial end, cancellation. */
export function planAhead(world: World, subscription: StoredSubscription): void {
  const { id } = subscription;
  if (isOver(subscription) || subscription.status === 'paused') return;
  const { end } = currentPeriod(subscription);
  const { upcomingBeforeSeconds, trialWillEndBeforeSeconds } = world.config.billing;
  world.agenda.cancel(`cancel:${id}`);
  if (subscription.cancel_at !== null) {
    world.agenda.set(`cancel:${id}`, subscription.cancel_at, () => cancelAsPlanned(world, subscription));
  }
  world.agenda.set(`renew:${id}`, end, () => renew(world, subscription));
  if (upcomingBeforeSeconds > 0 && end - upcomingBeforeSeconds > world.clock.now) {
    world.agenda.set(`upcoming:${id}`, end - upcomingBeforeSeconds, () =>
      announceRenewal(world, subscription),
    );
  }
  if (subscription.status === 'trialing' && subscription.trial_end !== null) {
    const at = subscription.trial_end - trialWillEndBeforeSeconds;
    if (at <= world.clock.now) announceTrialEnd(world, subscription);
    else world.agenda.set(`trial:${id}`, at, () => announceTrialEnd(world, subscription));
  }
}

/** The period is over: it rolls on with a draft invoice, which is charged about an hour later. */
export function renew(world: World, subscription: StoredSubscription): void {
  if (isOver(subscription) || subscription.status === 'paused') return;
  beginDuePhase(world, subscription);
  const elapsed = currentPeriod(subscription);
  const isDue = subscription.cancel_at !== null && subscription.cancel_at <= elapsed.end;
  if (subscription.cancel_at_period_end || isDue) {
    cancelAsPlanned(world, subscription);
    return;
  }
  const endsTrial = subscription.status === 'trialing';
  if (endsTrial && !hasPaymentMethod(world, subscription) && lapse(world, subscription)) return;
  roll(world, subscription, elapsed, endsTrial);
}

/** The next renewal's invoice as it would be now. */
export function previewRenewal(world: World, subscription: StoredSubscription): StoredInvoice {
  const elapsed = currentPeriod(subscription);
  const next = periodFrom(subscription.billing_cycle_anchor, elapsed.end, rhythmOf(subscription));
  const lines = periodLines(world, { ...subscription, status: 'active' }).map((line) => ({
    ...line,
    period: next,
  }));
  const waiting = pendingItems(world, subscription).map((item) => lineOf(world, item));
  return buildInvoice(world, {
    subscription,
    reason: 'upcoming',
    lines: [...waiting, ...lines],
    period: elapsed,
  });
}

function roll(world: World, subscription: StoredSubscription, elapsed: Period, endsTrial: boolean): void {
  const next = periodFrom(subscription.billing_cycle_anchor, elapsed.end, rhythmOf(subscription));
  let invoice: StoredInvoice | null = null;
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    if (endsTrial) changed.status = 'active';
    setPeriod(changed, next);
    invoice = cycleInvoice(world, changed, elapsed);
  });
  if (invoice) planFinalization(world, subscription, invoice);
  planAhead(world, subscription);
}

function cycleInvoice(world: World, subscription: StoredSubscription, elapsed: Period): StoredInvoice {
  const waiting = pendingItems(world, subscription).map((item) => lineOf(world, item));
  const lines = [...waiting, ...periodLines(world, subscription)];
  const invoice = buildInvoice(world, { subscription, reason: 'subscription_cycle', lines, period: elapsed });
  return keepInvoice(world, subscription, invoice);
}

function planFinalization(world: World, subscription: StoredSubscription, invoice: StoredInvoice): void {
  const behavior = subscription.pause_collection?.behavior;
  // An unpaid subscription goes on making invoices, but nobody is asked to pay them.
  const isKept = behavior === 'keep_as_draft' || subscription.status === 'unpaid';
  const at = world.clock.now + world.finalizationDelaySeconds;
  invoice.auto_advance = !isKept;
  invoice.automatically_finalizes_at = isKept ? null : at;
  emit(world, 'invoice.created', invoice);
  if (!isKept) world.agenda.set(`finalize:${invoice.id}`, at, () => finalizeAndCollect(world, invoice));
}

/** What happens about an hour after a draft: it opens, and is charged unless collection is paused. */
export function finalizeAndCollect(world: World, invoice: StoredInvoice): void {
  if (invoice.status !== 'draft' || isStoppedByTax(world, invoice)) return;
  const behavior = subscriptionOf(world, invoice).pause_collection?.behavior;
  finalizeInvoice(world, invoice);
  const isOpen = invoice.status === 'open';
  if (isOpen && behavior === 'void') voidInvoice(world, invoice);
  else if (isOpen && behavior === 'mark_uncollectible') markUncollectible(world, invoice);
  else collect(world, invoice, 'absent');
}

function cancelAsPlanned(world: World, subscription: StoredSubscription): void {
  cancelSubscription(world, subscription, 'cancellation_requested');
}

/** @returns whether the trial ended without a period to follow */
function lapse(world: World, subscription: StoredSubscription): boolean {
  switch (subscription.trial_settings?.end_behavior.missing_payment_method) {
    case 'cancel':
      cancelSubscription(world, subscription, 'payment_failed');
      return true;
    case 'pause':
      pauseSubscription(world, subscription, 'trial_end_without_payment_method');
      return true;
    default:
      return false;
  }
}

function hasPaymentMethod(world: World, subscription: StoredSubscription): boolean {
  const customer = world.tables.customers.get(subscription.customer);
  return Boolean(subscription.default_payment_method ?? customer?.invoice_settings.default_payment_method);
}

/** Says that a trial ends soon, once for each end: a short trial when it begins, a moved one again. */
export function announceTrialEnd(world: World, subscription: StoredSubscription): void {
  const trial = `${subscription.id}:${subscription.trial_end}`;
  if (subscription.status !== 'trialing' || world.tables.announcedTrials.has(trial)) return;
  world.tables.announcedTrials.add(trial);
  emit(world, 'customer.subscription.trial_will_end', subscription);
}

function announceRenewal(world: World, subscription: StoredSubscription): void {
  if (subscription.cancel_at_period_end || subscription.cancel_at !== null) return;
  const { id: _unsaved, ...upcoming } = previewRenewal(world, subscription);
  // The SDK's type insists on an id, but Stripe sends none with this event.
  emit(world, 'invoice.upcoming', upcoming as StoredInvoice);
}
