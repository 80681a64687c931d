import {
  answeredAt,
  bookSnapshots,
  invoiceSnapshot,
  type ObjectSnapshot,
  type SnapshotDeps,
} from '../events/snapshots.ts';
import type { Committed } from '../events/unit-of-work.ts';

/** Brings our rows in line with a subscription and its latest invoice as Stripe has them now. */
export async function syncSubscription(
  deps: SnapshotDeps,
  subscriptionId: string,
  options: { quiet?: boolean } = {},
): Promise<Committed> {
  const response = await deps.stripe.subscriptions.retrieve(subscriptionId, {
    expand: ['latest_invoice.payments'],
  });
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
