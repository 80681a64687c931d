import type Stripe from 'stripe';
import { Customer, Subscription } from '../../shared/entities/index.ts';
import { isMissingAtStripe, modeOfMissing, noteMode } from '../../shared/stripe/index.ts';
import type { SnapshotDeps } from '../events/snapshots.ts';
import type { Pace } from './pace.ts';

const ROWS_AT_ONCE = 500;

/**
 * Asks Stripe of which mode the subscriptions and customers are that the old service left without one, and writes the
 * answers down. What Stripe knows in neither mode keeps none: it may be of an account that was left.
 * @returns how many got a mode, and how many Stripe does not know
 */
export async function noteModes({
  orm,
  stripe,
  pace,
}: Pick<SnapshotDeps, 'orm' | 'stripe'> & { pace: Pace }): Promise<{ noted: number; unknown: number }> {
  const counts = { noted: 0, unknown: 0 };
  const count = (mode: boolean | null): void => {
    counts[mode === null ? 'unknown' : 'noted'] += 1;
  };
  for (let after = 0; ; ) {
    const em = orm.em.fork();
    const rows = await em.find(Subscription, { livemode: null, id: { $gt: after } }, NEXT);
    for (const { stripeSubscriptionId: id } of rows) {
      const mode = await pace(() => modeOf(() => stripe.subscriptions.retrieve(id)));
      if (mode !== null) await noteMode(em, id, mode);
      count(mode);
    }
    const last = rows.at(-1);
    if (!last) break;
    after = last.id;
  }
  for (let after = 0; ; ) {
    const em = orm.em.fork();
    const rows = await em.find(Customer, { livemode: null, deletedAt: null, id: { $gt: after } }, NEXT);
    for (const { stripeCustomerId: id } of rows) {
      const mode = await pace(() => modeOf(() => modeOfCustomer(stripe, id)));
      if (mode !== null) await em.execute(NOTE_CUSTOMER, [mode, mode, id]);
      count(mode);
    }
    const last = rows.at(-1);
    if (!last) return counts;
    after = last.id;
  }
}

const NEXT = { orderBy: { id: 'asc' as const }, limit: ROWS_AT_ONCE };

/** Where the mode has a customer that is preferred already, this one is not. */
const NOTE_CUSTOMER = `update customers as noted set livemode = ?, preferred = noted.preferred and not exists (
    select from customers as held where held.user_id = noted.user_id and held.livemode = ? and held.preferred
      and held.deleted_at is null)
  where noted.stripe_customer_id = ? and noted.livemode is null`;

/** One that was deleted is told without its mode: our key can see it. */
async function modeOfCustomer(stripe: Stripe, id: string): Promise<{ livemode: boolean | null }> {
  const customer = await stripe.customers.retrieve(id);
  return { livemode: customer.deleted ? null : customer.livemode };
}

async function modeOf(read: () => Promise<{ livemode: boolean | null }>): Promise<boolean | null> {
  try {
    return (await read()).livemode;
  } catch (thrown) {
    if (isMissingAtStripe(thrown)) return modeOfMissing(thrown);
    throw thrown;
  }
}
