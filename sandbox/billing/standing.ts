import { update } from '../events/emit.ts';
import type { StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { isOver } from './canceling.ts';
import { subscriptionOf } from './invoices.ts';
import { resumedBy } from './resuming.ts';

/**
 * What becomes of a running subscription whose invoice nobody has to pay any more. Only its newest one matters: the
 * status then follows the older ones, and is `active` where those say nothing.
 */
export function afterClosing(world: World, invoice: StoredInvoice): void {
  const subscription = subscriptionOf(world, invoice);
  if (isOver(subscription) || subscription.latest_invoice !== invoice.id) return;
  if (invoice.status === 'uncollectible' && resumedBy(world, invoice, 'paid')) return;
  if (world.tables.resumptions.get(subscription.id)?.invoice === invoice.id) {
    world.agenda.cancel(`resumption:${subscription.id}`);
    world.tables.resumptions.delete(subscription.id);
    return;
  }
  const status = statusWithout(world, subscription, invoice);
  if (status === subscription.status) return;
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.status = status;
    if (status === 'incomplete_expired') changed.ended_at = world.clock.now;
  });
}

function statusWithout(
  world: World,
  subscription: StoredSubscription,
  closed: StoredInvoice,
): StoredSubscription['status'] {
  const { status } = subscription;
  if (status === 'incomplete') return closed.status === 'void' ? 'incomplete_expired' : 'active';
  if (status !== 'past_due' && status !== 'unpaid') return status;
  const older = world.tables.invoices.find(
    (each) =>
      each.id !== closed.id &&
      each.parent?.subscription_details?.subscription === subscription.id &&
      each.status !== 'void' &&
      each.status !== 'draft',
  );
  return older?.status === 'open' && older.attempted ? status : 'active';
}
