import { emit, update } from '../events/emit.ts';
import type { StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancellation } from './canceling.ts';
import { chargeDraft } from './changing.ts';
import type { CollectResult } from './collecting.ts';
import { planAhead, startPeriod } from './renewing.ts';
import { currentPeriod } from './subscription-object.ts';

/** Sets or clears the flag that ends a subscription with its period. */
export function setCancelAtPeriodEnd(world: World, subscription: StoredSubscription, cancel: boolean): void {
  subscription.cancel_at_period_end = cancel;
  setSchedule(world, subscription, cancel ? currentPeriod(subscription).end : null);
}

/** @param at Unix seconds, or null to go on */
export function setCancelAt(world: World, subscription: StoredSubscription, at: number | null): void {
  subscription.cancel_at_period_end = false;
  setSchedule(world, subscription, at);
}

/** What the customer portal's button does: a flexible subscription only gets the time, not the flag. */
export function cancelFromPortal(world: World, subscription: StoredSubscription): void {
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    if (changed.billing_mode.type === 'flexible') setCancelAt(world, changed, currentPeriod(changed).end);
    else setCancelAtPeriodEnd(world, changed, true);
  });
  planAhead(world, subscription);
}

/** Takes back a scheduled cancellation. */
export function keepGoing(world: World, subscription: StoredSubscription): void {
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    setCancelAtPeriodEnd(world, changed, false);
  });
  planAhead(world, subscription);
}

/** @param resumesAt Unix seconds, or null for until further notice */
export function pauseCollection(
  world: World,
  subscription: StoredSubscription,
  behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void',
  resumesAt: number | null,
): void {
  subscription.pause_collection = { behavior, resumes_at: resumesAt };
  world.agenda.cancel(`resume:${subscription.id}`);
  if (resumesAt === null) return;
  world.agenda.set(`resume:${subscription.id}`, resumesAt, () => {
    update(world, 'customer.subscription.updated', subscription, (changed) =>
      resumeCollection(world, changed),
    );
  });
}

export function resumeCollection(world: World, subscription: StoredSubscription): void {
  subscription.pause_collection = null;
  world.agenda.cancel(`resume:${subscription.id}`);
}

/** A `paused` subscription goes on with a new period that is paid now. */
export function resumePaused(world: World, subscription: StoredSubscription): CollectResult {
  let invoice: StoredInvoice | null = null;
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    delete changed.status_details;
    invoice = startPeriod(world, changed);
  });
  emit(world, 'customer.subscription.resumed', subscription);
  planAhead(world, subscription);
  return invoice ? chargeDraft(world, invoice) : 'paid';
}

function setSchedule(world: World, subscription: StoredSubscription, at: number | null): void {
  subscription.cancel_at = at;
  subscription.canceled_at = at === null ? null : world.clock.now;
  subscription.cancellation_details = cancellation(at === null ? null : 'cancellation_requested');
}
