import type { MikroORM } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import type { Clock } from '../../shared/clock.ts';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import type { Logger } from '../../shared/logger.ts';
import { countMissingEvents } from '../../shared/metrics/reconcile.ts';
import { eventJobId, type QueueOf } from '../../shared/queues/index.ts';
import { fromUnixSeconds, toUnixSeconds } from '../../shared/unix-time.ts';
import { handlerOf } from '../events/registry.ts';
import type { Pace } from './pace.ts';
import { type Cursor, pagesOf, stretchesFrom } from './resumable.ts';
import { forget, recall, remember } from './state.ts';

export type ReconcileDeps = {
  orm: MikroORM;
  stripe: Stripe;
  events: QueueOf<'stripe-events'>;
  clock: Clock;
  logger: Logger;
  pace: Pace;
};

export type ReconcileOptions = {
  /** The oldest event to look at. Stripe keeps them for 30 days. */
  since: Date;
  /** Says what is missing without enqueuing it. */
  dryRun?: boolean;
  /** Goes on where a run of this name stopped; without a name, or in a dry run, nothing is remembered. */
  resumeAs?: string;
  /** Told after every page. */
  onPage?: (report: ReconcileReport) => void;
};

/** What a run found. */
export type ReconcileReport = {
  listed: number;
  missing: number;
  enqueued: number;
  /** Creation time of the event read last; lists go from new to old. */
  reached: Date | null;
};

/** A younger event that is missing may well be on its way: no reason to wake anybody. */
const ON_ITS_WAY_MS = 5 * MINUTE;

type RunCursor = Cursor & Pick<ReconcileReport, 'listed' | 'missing' | 'enqueued'>;

/**
 * Compares Stripe's own list of events with `webhook_events` and enqueues what is missing there. The job's id is the
 * event's, so what is still on its way in Redis is not doubled. The cursor is kept a page at a time: a run that was
 * stopped goes on from there, and then reads what has come since it began.
 *
 * Two runs at once leave nothing out: each reads its own list to its end, and only the cursor is the other's.
 */
export async function reconcile(deps: ReconcileDeps, options: ReconcileOptions): Promise<ReconcileReport> {
  const { orm, stripe, clock, pace } = deps;
  // A dry run has enqueued nothing, so that nobody may go on where it was.
  const name = options.dryRun ? undefined : options.resumeAs;
  const cursor = name === undefined ? undefined : await recall<RunCursor>(orm, name);
  const stretches = stretchesFrom(cursor, toUnixSeconds(options.since), toUnixSeconds(clock.now()));
  const resumed = stretches.length > 1 ? cursor : undefined;
  const report: ReconcileReport = {
    listed: resumed?.listed ?? 0,
    missing: resumed?.missing ?? 0,
    enqueued: resumed?.enqueued ?? 0,
    reached: null,
  };
  for (const { startingAfter, ...stretch } of stretches) {
    const created = stretch.downTo === undefined ? {} : { created: { gte: stretch.downTo } };
    const list = (at: Stripe.PaginationParams) => pace(() => stripe.events.list({ ...created, ...at }));
    for await (const { page, next } of pagesOf(list, startingAfter)) {
      await comparePage(deps, options, page.data, report);
      options.onPage?.(report);
      if (name === undefined || next === undefined) continue;
      const { reached: _, ...counts } = report;
      const data: RunCursor = { ...stretch, ...counts, startingAfter: next };
      await remember(orm, name, data, clock.now());
    }
  }
  if (name !== undefined) await forget(orm, name);
  if (report.missing > 0) {
    deps.logger.warn({ ...report }, `Stripe knows ${report.missing} events that never arrived here`);
  }
  return report;
}

async function comparePage(
  { orm, events, clock }: ReconcileDeps,
  { dryRun }: ReconcileOptions,
  page: readonly Stripe.Event[],
  report: ReconcileReport,
): Promise<void> {
  const missing = await missingOf(orm, page);
  if (!dryRun) await enqueue(events, missing);
  const overdue = toUnixSeconds(clock.now()) - ON_ITS_WAY_MS / SECOND;
  countMissingEvents(missing.filter(({ created }) => created < overdue).length);
  const last = page.at(-1);
  report.listed += page.length;
  report.missing += missing.length;
  report.enqueued += dryRun ? 0 : missing.length;
  report.reached = last ? fromUnixSeconds(last.created) : report.reached;
}

/**
 * Events of types that do something here and that `webhook_events` has never heard of, or has only in the old
 * service's words, which nothing can be applied from. Oldest first.
 */
async function missingOf(orm: MikroORM, page: readonly Stripe.Event[]): Promise<Stripe.Event[]> {
  const ours = page.filter((event) => handlerOf(event.type) !== undefined);
  if (ours.length === 0) return [];
  const known = await orm.em.fork().execute<{ stripe_event_id: string }[]>(
    `select stripe_event_id from webhook_events
       where stripe_event_id in (select json_array_elements_text(?::json))
         and (processed or data->>'object' = 'event')`,
    [JSON.stringify(ours.map((event) => event.id))],
  );
  const ids = new Set(known.map((row) => row.stripe_event_id));
  return ours.filter((event) => !ids.has(event.id)).reverse();
}

async function enqueue(events: QueueOf<'stripe-events'>, missing: readonly Stripe.Event[]): Promise<void> {
  if (missing.length === 0) return;
  await events.addBulk(
    missing.map((event) => ({
      name: event.type,
      data: {
        eventId: event.id,
        payload: JSON.stringify(event),
        correlationId: `reconcile-${event.id}`,
      },
      opts: { jobId: eventJobId(event.id) },
    })),
  );
}
