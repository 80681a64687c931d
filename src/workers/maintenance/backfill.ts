import type Stripe from 'stripe';
import { isDatabaseAway } from '../../shared/database/index.ts';
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
import { type Cursor, pagesOf, type Stretch, stretchesFrom } from './resumable.ts';
import { forget, recall, remember } from './state.ts';

export type BackfillOptions = {
  /** Only objects created since; everything when absent. */
  since?: Date;
  /** Only this customer's objects. */
  customer?: string;
  dryRun?: boolean;
  /** Goes on where a run of this name stopped; of one customer, or in a dry run, nothing is remembered. */
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

type BackfillDeps = SnapshotDeps & { pace: Pace };

type RunCursor = Cursor & { stage: Stage['name']; report: BackfillReport };

type Page = Stripe.ApiList<{ id: string }> & Stripe.Response<unknown>;

type Stage = {
  name: 'subscriptions' | 'invoices';
  list: (at: Stripe.PaginationParams) => Promise<Page>;
  snapshotOf: (object: { id: string }, seenAt: Date) => Promise<ObjectSnapshot | undefined>;
};

/**
 * Reads subscriptions and invoices themselves, for what is older than Stripe's 30 days of events. Subscriptions
 * first, so that every invoice finds its own. What it learns is old news: nobody is notified. A run that was stopped
 * goes on from there, and then reads what was made since it began; what changed meanwhile is for `reconcile`.
 */
export async function backfill(deps: BackfillDeps, options: BackfillOptions): Promise<BackfillReport> {
  const { orm, clock } = deps;
  const name = options.dryRun || options.customer !== undefined ? undefined : options.resumeAs;
  const cursor = name === undefined ? undefined : await recall<RunCursor>(orm, name);
  const since = options.since && toUnixSeconds(options.since);
  const stretches = stretchesFrom(cursor, since, toUnixSeconds(clock.now()));
  const resumed = stretches.length > 1 ? cursor : undefined;
  const report: BackfillReport = resumed?.report ?? {
    status: 'complete',
    subscriptions: 0,
    invoices: 0,
    unlinked: 0,
    failed: 0,
  };
  for (const { startingAfter, ...stretch } of stretches) {
    const stages = stagesOf(deps, options, stretch);
    const stoppedIn = startingAfter && resumed?.stage;
    for (const stage of stages.slice(
      Math.max(
        0,
        stages.findIndex((each) => each.name === stoppedIn),
      ),
    )) {
      const readSoFar = stage.name === stoppedIn ? startingAfter : undefined;
      for await (const { page, next } of pagesOf(stage.list, readSoFar)) {
        await bookPage(deps, options, stage, page, report);
        if (name !== undefined && next !== undefined) {
          const data: RunCursor = { ...stretch, stage: stage.name, startingAfter: next, report };
          await remember(orm, name, data, clock.now());
        }
        await options.onPage?.(report);
      }
    }
  }
  if (name !== undefined) await forget(orm, name);
  return report;
}

async function bookPage(
  deps: SnapshotDeps,
  { dryRun }: BackfillOptions,
  stage: Stage,
  page: Page,
  report: BackfillReport,
): Promise<void> {
  const seenAt = answeredAt(page, deps.clock.now());
  for (const object of page.data) {
    const snapshot = await stage.snapshotOf(object, seenAt);
    if (snapshot === undefined) continue;
    report[stage.name] += 1;
    if (dryRun) continue;
    try {
      const correlationId = `backfill-${object.id}`;
      const { verdicts } = await bookSnapshots(deps, [snapshot], { correlationId, quiet: true });
      if (verdicts.some((verdict) => verdict.outcome === 'parked')) report.unlinked += 1;
    } catch (thrown) {
      // It is not the object's fault, and the next one would fare no better.
      if (isDatabaseAway(thrown)) throw thrown;
      report.failed += 1;
      report.status = 'partial';
      deps.logger.error({ err: toError(thrown), object: object.id }, `Could not backfill ${object.id}`);
    }
  }
}

function stagesOf(
  { stripe, pace }: BackfillDeps,
  { customer }: BackfillOptions,
  { downTo }: Pick<Stretch, 'downTo'>,
): Stage[] {
  const filter = {
    ...(downTo === undefined ? {} : { created: { gte: downTo } }),
    ...(customer ? { customer } : {}),
  };
  return [
    {
      name: 'subscriptions',
      list: (at) => pace(() => stripe.subscriptions.list({ ...at, ...filter, status: 'all' })),
      snapshotOf: async (object, seenAt) => ({ type: 'customer.subscription.updated', object, seenAt }),
    },
    {
      name: 'invoices',
      list: (at) => pace(() => stripe.invoices.list({ ...at, ...filter, expand: ['data.payments'] })),
      snapshotOf: (object, seenAt) =>
        pace(() => invoiceSnapshot({ stripe }, object as Stripe.Invoice, seenAt)),
    },
  ];
}
