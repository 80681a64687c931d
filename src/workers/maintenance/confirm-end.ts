import type Stripe from 'stripe';
import { Customer, Subscription } from '../../shared/entities/index.ts';
import { isMissingAtStripe } from '../../shared/stripe/index.ts';
import {
  answeredAt,
  bookSnapshots,
  invoiceSnapshot,
  type ObjectSnapshot,
  type SnapshotDeps,
} from '../events/snapshots.ts';
import type { Committed } from '../events/unit-of-work.ts';
import type { Pace } from './pace.ts';

type ConfirmDeps = SnapshotDeps & { pace: Pace };

/** Newest invoices of a subscription that are read: what is paid for is among them, whatever else was billed since. */
const INVOICES = 10;

/**
 * Reads all that a user's premium can depend on, books it, and tells the user when premium is over after that: events
 * that come late, or in another order, may show an end that is none.
 */
export async function confirmEnd(deps: ConfirmDeps, userId: number): Promise<Committed> {
  const snapshots: ObjectSnapshot[] = [];
  for (const subscription of await subscriptionsOf(deps, userId)) {
    snapshots.push(subscription, ...(await invoicesOf(deps, subscription.object.id)));
  }
  return bookSnapshots(deps, snapshots, { correlationId: `confirm-end-${userId}`, allOf: userId });
}

type SubscriptionSnapshot = ObjectSnapshot & { object: { id: string } };

async function subscriptionsOf(
  { orm, stripe, livemode, clock, pace }: ConfirmDeps,
  userId: number,
): Promise<SubscriptionSnapshot[]> {
  const em = orm.em.fork();
  const ofMode = { userId, $or: [{ livemode }, { livemode: null }] };
  const [customers, rows] = await Promise.all([em.find(Customer, ofMode), em.find(Subscription, ofMode)]);
  const ids = new Set([...customers, ...rows].map(({ stripeCustomerId }) => stripeCustomerId));
  const found: SubscriptionSnapshot[] = [];
  for (const customer of ids) {
    const page = await unlessMissing(() =>
      pace(() => stripe.subscriptions.list({ customer, status: 'all', limit: 100 })),
    );
    if (!page) continue;
    const seenAt = answeredAt(page, clock.now());
    found.push(...page.data.map((object) => ({ type: 'customer.subscription.updated', object, seenAt })));
  }
  return found;
}

/** Oldest first, as they were made. */
async function invoicesOf(
  { stripe, clock, pace }: ConfirmDeps,
  subscription: string,
): Promise<ObjectSnapshot[]> {
  const page = await pace(() =>
    stripe.invoices.list({ subscription, limit: INVOICES, expand: ['data.payments'] }),
  );
  const seenAt = answeredAt(page, clock.now());
  const snapshots = page.data
    .reverse()
    .map((invoice) => pace(() => invoiceSnapshot({ stripe }, invoice, seenAt)));
  return (await Promise.all(snapshots)).filter((snapshot) => snapshot !== undefined);
}

/** A customer who was deleted has nothing any more. */
async function unlessMissing<T>(read: () => Promise<Stripe.Response<T>>): Promise<Stripe.Response<T> | null> {
  try {
    return await read();
  } catch (thrown) {
    if (isMissingAtStripe(thrown)) return null;
    throw thrown;
  }
}
