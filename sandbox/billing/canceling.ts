import type Stripe from 'stripe';
import { emit, update } from '../events/emit.ts';
import type { StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { billPending, prorate } from './changing.ts';
import { pendingItems } from './invoice-lines.ts';
import { stopCollecting, voidInvoice } from './invoices.ts';
import { endSchedule } from './scheduling.ts';
import { currentPeriod } from './subscription-object.ts';

type Details = Stripe.Subscription.CancellationDetails;

const TERMINAL: readonly string[] = ['canceled', 'incomplete_expired'];

export function isOver(subscription: StoredSubscription): boolean {
  return TERMINAL.includes(subscription.status);
}

/** How a cancellation settles what was not billed yet. Stripe's own defaults: nothing, where a subscription is canceled. */
export interface LastBill {
  /** Gives unused time back, as a credit. */
  prorate: boolean;
  /** Makes a last invoice of what is pending, and charges it. */
  invoiceNow: boolean;
}

/** Ends a subscription now. Its period stays where it was, as at Stripe, even when that is in the future. */
export function cancelSubscription(
  world: World,
  subscription: StoredSubscription,
  reason: Details['reason'],
  lastBill: LastBill = { prorate: false, invoiceNow: false },
): void {
  if (isOver(subscription)) return;
  settlePending(world, subscription, lastBill);
  const now = world.clock.now;
  subscription.status = 'canceled';
  // A scheduled cancellation keeps the time at which it was asked for.
  subscription.canceled_at ??= now;
  subscription.ended_at = now;
  subscription.pause_collection = null;
  subscription.cancellation_details = cancellation(reason, subscription.cancellation_details);
  endSchedule(world, subscription, reason === 'cancellation_requested' ? 'canceled' : 'completed');
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

/** What is said of a cancellation: the reason is Stripe's, the customer's own words stay. */
export function cancellation(reason: Details['reason'], said: Details | null = null): Details {
  return {
    comment: said?.comment ?? null,
    feedback: said?.feedback ?? null,
    feedback_option: said?.feedback_option ?? null,
    reason,
  };
}

// Pending prorations go with their subscription; other pending items stay for the customer's next invoice.
function settlePending(world: World, subscription: StoredSubscription, lastBill: LastBill): void {
  if (lastBill.prorate) {
    for (const item of subscription.items.data) {
      prorate(world, subscription, item, currentPeriod(subscription), -1);
    }
  }
  if (lastBill.invoiceNow) billPending(world, subscription);
  if (lastBill.prorate || lastBill.invoiceNow) return;
  for (const item of pendingItems(world, subscription)) {
    if (!item.proration) continue;
    world.tables.invoiceItems.delete(item.id);
    emit(world, 'invoiceitem.deleted', item);
  }
}

function forgetPlans(world: World, subscription: StoredSubscription): void {
  for (const plan of ['renew', 'cancel', 'upcoming', 'trial', 'incomplete', 'resume', 'resumption']) {
    world.agenda.cancel(`${plan}:${subscription.id}`);
  }
  world.tables.resumptions.delete(subscription.id);
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
