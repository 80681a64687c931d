import type Stripe from 'stripe';
import { emit, update } from '../events/emit.ts';
import type { StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { stopCollecting, voidInvoice } from './invoices.ts';

const TERMINAL: readonly string[] = ['canceled', 'incomplete_expired'];

export function isOver(subscription: StoredSubscription): boolean {
  return TERMINAL.includes(subscription.status);
}

/** Ends a subscription now. Its period stays where it was, as at Stripe, even when that is in the future. */
export function cancelSubscription(
  world: World,
  subscription: StoredSubscription,
  reason: Stripe.Subscription.CancellationDetails.Reason,
): void {
  if (isOver(subscription)) return;
  const now = world.clock.now;
  subscription.status = 'canceled';
  // A scheduled cancellation keeps the time at which it was asked for.
  subscription.canceled_at ??= now;
  subscription.ended_at = now;
  subscription.pause_collection = null;
  subscription.cancellation_details = cancellation(reason);
  forgetPlans(world, subscription);
  stopInvoices(world, subscription);
  emit(world, 'customer.subscription.deleted', subscription);
}

/** An `incomplete` subscription whose first payment never came. */
export function expireIncomplete(world: World, subscription: StoredSubscription): void {
  if (subscription.status !== 'incomplete') return;
  forgetPlans(world, subscription);
  const invoice = subscription.latest_invoice
    ? world.tables.invoices.get(subscription.latest_invoice)
    : undefined;
  if (invoice?.status === 'open') voidInvoice(world, invoice);
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.status = 'incomplete_expired';
    changed.ended_at = world.clock.now;
  });
}

export function cancellation(
  reason: Stripe.Subscription.CancellationDetails.Reason | null,
): Stripe.Subscription.CancellationDetails {
  return { comment: null, feedback: null, feedback_option: null, reason };
}

function forgetPlans(world: World, subscription: StoredSubscription): void {
  for (const plan of ['renew', 'cancel', 'upcoming', 'trial', 'incomplete', 'resume']) {
    world.agenda.cancel(`${plan}:${subscription.id}`);
  }
}

// Stripe leaves the invoices as they are, but neither finalises nor charges them by itself any more.
function stopInvoices(world: World, subscription: StoredSubscription): void {
  const unfinished = world.tables.invoices.filter(
    (invoice) =>
      invoice.parent?.subscription_details?.subscription === subscription.id &&
      (invoice.status === 'draft' || invoice.status === 'open'),
  );
  for (const invoice of unfinished) {
    stopCollecting(world, invoice);
    update(world, 'invoice.updated', invoice, (changed) => {
      changed.auto_advance = false;
      changed.next_payment_attempt = null;
      changed.automatically_finalizes_at = null;
    });
  }
}
