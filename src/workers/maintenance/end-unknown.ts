import { MINUTE } from '../../shared/duration.ts';
import type { Subscription } from '../../shared/entities/index.ts';
import { isMissingAtStripe } from '../../shared/stripe/index.ts';
import type { Follow } from '../events/follow.ts';
import type { SnapshotDeps } from '../events/snapshots.ts';
import { inUnitOfWork } from '../events/unit-of-work.ts';
import type { Pace } from './pace.ts';

type EndDeps = SnapshotDeps & { pace: Pace; follow: Follow; wait: (ms: number) => Promise<void> };

/** What was ended, by Stripe's ids, and why a person has to look first, if one has to. */
export type EndedUnknown = { ended: ReadonlySet<string>; stopped: string | null };

/** A run ends no more rows than this by itself, and no more than one in a hundred where there are so many. */
const MOST_ROWS = 20;
const MOST_SHARE = 0.01;

/**
 * Ends rows whose subscription Stripe does not know under our key. A 404 alone ends nothing, for a wrong key would end
 * everybody: both configured prices have to be there under the same key, and each of the subscriptions not, twice and
 * a minute apart. Many of them are for a person to judge.
 * @param rows that run by our books and were not in Stripe's list
 * @param options.running how many rows run in all
 */
export async function endUnknown(
  deps: EndDeps,
  rows: readonly Subscription[],
  { running, endAll }: { running: number; endAll: boolean },
): Promise<EndedUnknown> {
  const nobody: ReadonlySet<string> = new Set();
  const doubt = rows.length > 0 ? await wrongKey(deps) : null;
  if (doubt !== null) return { ended: nobody, stopped: doubt };
  const missing = await missingOf(deps, rows);
  if (missing.length === 0) return { ended: nobody, stopped: null };
  if (!endAll && isTooMany(missing.length, running)) {
    return {
      ended: nobody,
      stopped:
        `Stripe does not know ${missing.length} of the ${running} subscriptions that run by our rows. Make sure that ` +
        'STRIPE_SECRET_KEY is of the account that customers pay to, look at the rows named above, and if they are ' +
        'really of an account that was left, run drift --fix --end-all.',
    };
  }
  await deps.wait(MINUTE);
  const second = await wrongKey(deps);
  if (second !== null) return { ended: nobody, stopped: second };
  const gone = await missingOf(deps, missing);
  for (const row of gone) await end(deps, row);
  return { ended: new Set(gone.map((row) => row.stripeSubscriptionId)), stopped: null };
}

/** One in a hundred of less than a hundred would be none. */
function isTooMany(missing: number, running: number): boolean {
  const share = running * MOST_SHARE;
  return missing > MOST_ROWS || (share >= 1 && missing > share);
}

/** @returns what is wrong with our key, where it does not see both of our prices */
async function wrongKey({ stripe, catalog, pace }: EndDeps): Promise<string | null> {
  for (const price of catalog.configuredPrices) {
    try {
      await pace(() => stripe.prices.retrieve(price));
    } catch (thrown) {
      if (!isMissingAtStripe(thrown)) throw thrown;
      return (
        `Stripe does not know the configured price ${price} under this key either, so nothing was ended: ` +
        'STRIPE_SECRET_KEY is of another account or mode than STRIPE_PRICE_MENSUEL and STRIPE_PRICE_ANNUEL.'
      );
    }
  }
  return null;
}

async function missingOf({ stripe, pace }: EndDeps, rows: readonly Subscription[]): Promise<Subscription[]> {
  const missing: Subscription[] = [];
  for (const row of rows) {
    try {
      await pace(() => stripe.subscriptions.retrieve(row.stripeSubscriptionId));
    } catch (thrown) {
      if (!isMissingAtStripe(thrown)) throw thrown;
      missing.push(row);
    }
  }
  return missing;
}

/** As an event of its end would have; should Stripe know it after all one day, reading it again brings it back. */
async function end(deps: EndDeps, unknown: Subscription): Promise<void> {
  const { stripeSubscriptionId: id, stripeCustomerId: customer, userId: user } = unknown;
  const touches = { subscription: id, customer, user };
  const committed = await inUnitOfWork(
    deps,
    [touches],
    [],
    async (ledger) => {
      ledger.correlationId = `unknown-at-stripe-${id}`;
      const row = ledger.subscription(id);
      if (!row || row.endedAt != null) return;
      const now = deps.clock.now();
      Object.assign(row, {
        status: 'canceled',
        stripeStatus: 'canceled',
        endedAt: now,
        cancelAt: null,
        cancelAtPeriodEnd: false,
        duplicateOf: null,
        updatedAt: now,
      });
      ledger.touchUser(row.userId);
    },
    { asked: true },
  );
  await deps.follow(committed);
}
