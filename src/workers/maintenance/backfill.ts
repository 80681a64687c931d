import type Stripe from 'stripe';
import { toError } from '../../shared/errors.ts';
import { toUnixSeconds } from '../../shared/unix-time.ts';
import {
  answeredAt,
  bookSnapshots,
  invoiceSnapshot,
  type ObjectSnapshot,
  type SnapshotDeps,
} from '../events/snapshots.ts';
import type { Pace } from './pace.ts';
import { forget, recall, remember } from './state.ts';

export type BackfillOptions = {
  /** Only objects created since; everything when absent. */
  since?: Date;
  /** Only this customer's objects. */
  customer?: string;
  dryRun?: boolean;
  /** Goes on where a run of this name stopped. */
  resumeAs?: string;
  /** Told after every page. */
  onPage?: (report: BackfillReport) => void | Promise<void>;
};

/** What a run read and booked. `partial` when anything could not be booked: it is named in the log. */
export type BackfillReport = {
  status: 'complete' | 'partial';
  subscriptions: number;
  invoices: number;
  /** Objects of customers that no user is known for. */
  unlinked: number;
  failed: number;
};

type Cursor = { stage: Stage['name']; startingAfter: string; report: BackfillReport };

type Stage = {
  name: 'subscriptions' | 'invoices';
  list: (page: Stripe.PaginationParams) => Promise<Stripe.ApiList<{ id: string }> & Stripe.Response<unknown>>;
  snapshotOf: (object: { id: string }, seenAt: Date) => Promise<ObjectSnapshot | undefined>;
};

const PAGE_SIZE = 100;

/**
 * Reads subscriptions and invoices themselves, for what is older than Stripe's 30 days of events. Subscriptions
 * first, so that every invoice finds its own. What it learns is old news: nobody is notified.
 */
export async function backfill(
  deps: SnapshotDeps & { pace: Pace },
  options: BackfillOptions,
): Promise<BackfillReport> {
  const { orm, clock, logger, pace } = deps;
  const cursor = options.resumeAs ? await recall<Cursor>(orm, options.resumeAs) : undefined;
  const report: BackfillReport = cursor?.report ?? {
    status: 'complete',
    subscriptions: 0,
    invoices: 0,
    unlinked: 0,
    failed: 0,
  };
  let startingAfter = cursor?.startingAfter;
  const stages = stagesOf(deps, options);
  for (const stage of cursor ? stages.slice(stages.findIndex(({ name }) => name === cursor.stage)) : stages) {
    for (let more = true; more; ) {
      const page = await pace(() =>
        stage.list({ limit: PAGE_SIZE, ...(startingAfter ? { starting_after: startingAfter } : {}) }),
      );
      const seenAt = answeredAt(page, clock.now());
      for (const object of page.data) {
        const snapshot = await stage.snapshotOf(object, seenAt);
        if (snapshot === undefined) continue;
        report[stage.name] += 1;
        if (options.dryRun) continue;
        try {
          const correlationId = `backfill-${object.id}`;
          const { verdicts } = await bookSnapshots(deps, [snapshot], { correlationId, quiet: true });
          if (verdicts.some((verdict) => verdict.outcome === 'parked')) report.unlinked += 1;
        } catch (thrown) {
          report.failed += 1;
          report.status = 'partial';
          logger.error({ err: toError(thrown), object: object.id }, `Could not backfill ${object.id}`);
        }
      }
      startingAfter = page.data.at(-1)?.id;
      more = page.has_more && startingAfter !== undefined;
      if (more && startingAfter && options.resumeAs) {
        const data: Cursor = { stage: stage.name, startingAfter, report };
        await remember(orm, options.resumeAs, data, clock.now());
      }
      await options.onPage?.(report);
    }
    startingAfter = undefined;
  }
  if (options.resumeAs) await forget(orm, options.resumeAs);
  return report;
}

function stagesOf(
  { stripe, pace }: Pick<SnapshotDeps, 'stripe'> & { pace: Pace },
  { since, customer }: BackfillOptions,
): Stage[] {
  const filter = {
    ...(since ? { created: { gte: toUnixSeconds(since) } } : {}),
    ...(customer ? { customer } : {}),
  };
  return [
    {
      name: 'subscriptions',
      list: (page) => stripe.subscriptions.list({ ...page, ...filter, status: 'all' }),
      snapshotOf: async (object, seenAt) => ({ type: 'customer.subscription.updated', object, seenAt }),
    },
    {
      name: 'invoices',
      list: (page) => stripe.invoices.list({ ...page, ...filter, expand: ['data.payments'] }),
      snapshotOf: (object, seenAt) =>
        pace(() => invoiceSnapshot({ stripe }, object as Stripe.Invoice, seenAt)),
    },
  ];
}
