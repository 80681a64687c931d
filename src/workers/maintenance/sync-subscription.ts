import type Stripe from 'stripe';
import { PermanentError } from '../../shared/errors.ts';
import { isMissingAtStripe } from '../../shared/stripe/index.ts';
import {
  answeredAt,
  bookSnapshots,
  invoiceSnapshot,
  type ObjectSnapshot,
  type SnapshotDeps,
} from '../events/snapshots.ts';
import type { Committed } from '../events/unit-of-work.ts';

/**
 * Brings our rows in line with a subscription and its latest invoice as Stripe has them now.
 * @throws {PermanentError} when Stripe does not know it: asking again will not change that
 */
export async function syncSubscription(
  deps: SnapshotDeps,
  subscriptionId: string,
  options: { quiet?: boolean } = {},
): Promise<Committed> {
  const response = await readOne(deps.stripe, subscriptionId);
  const seenAt = answeredAt(response, deps.clock.now());
  const { latest_invoice: invoice, ...subscription } = response;
  const latest = invoice !== null && typeof invoice === 'object' ? invoice : null;
  const snapshots: ObjectSnapshot[] = [
    {
      type: 'customer.subscription.updated',
      object: { ...subscription, latest_invoice: latest?.id ?? null },
      seenAt,
    },
  ];
  const newest = latest && (await invoiceSnapshot(deps, latest, seenAt));
  if (newest) snapshots.push(newest);
  return bookSnapshots(deps, snapshots, { correlationId: `sync-${subscriptionId}`, ...options });
}

async function readOne(stripe: Stripe, id: string): Promise<Stripe.Response<Stripe.Subscription>> {
  try {
    return await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice.payments'] });
  } catch (error) {
    if (!isMissingAtStripe(error)) throw error;
    throw new PermanentError(`Stripe knows no subscription ${id} under this key`, { cause: error });
  }
}
