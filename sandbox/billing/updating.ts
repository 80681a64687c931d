import { update } from '../events/emit.ts';
import type { StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancellation } from './canceling.ts';
import { planAhead } from './renewing.ts';
import { currentPeriod } from './subscription-object.ts';

/** Sets or clears the flag that ends a subscription with its period. */
export function setCancelAtPeriodEnd(world: World, subscription: StoredSubscription, cancel: boolean): void {
  // A time that was set by itself is only cleared by itself.
  if (!cancel && !subscription.cancel_at_period_end) return;
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
    if (changed.cancel_at_period_end) setCancelAtPeriodEnd(world, changed, false);
    else setCancelAt(world, changed, null);
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

function setSchedule(world: World, subscription: StoredSubscription, at: number | null): void {
  subscription.cancel_at = at;
  subscription.canceled_at = at === null ? null : world.clock.now;
  const reason = at === null ? null : 'cancellation_requested';
  subscription.cancellation_details = cancellation(
    reason,
    at === null ? null : subscription.cancellation_details,
  );
}
