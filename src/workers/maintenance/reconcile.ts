import type { MikroORM } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import type { Clock } from '../../shared/clock.ts';
import { MINUTE } from '../../shared/duration.ts';
import type { Logger } from '../../shared/logger.ts';
import { countMissingEvents } from '../../shared/metrics/reconcile.ts';
import { eventJobId, type QueueOf } from '../../shared/queues/index.ts';
import { fromUnixSeconds, toUnixSeconds } from '../../shared/unix-time.ts';
import { handlerOf } from '../events/registry.ts';
import type { Pace } from './pace.ts';
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
  /** Goes on where a run of this name stopped; without a name nothing is remembered. */
  resumeAs?: string;
  /** Told after every page. */
  onPage?: (report: ReconcileReport) => void;
};

/** What a run found. */
export type ReconcileReport = {
  listed: number;
  missing: number;
  enqueued: number;
  /** Creation time of the oldest event seen so far; runs go from new to old. */
  reached: Date | null;
};

const PAGE_SIZE = 100;
/** A younger event that is missing may well be on its way: no reason to wake anybody. */
const ON_ITS_WAY_MS = 5 * MINUTE;

type Cursor = { since: number; startingAfter: string; listed: number; missing: number; enqueued: number };

/**
 * Compares Stripe's own list of events with `webhook_events` and enqueues what is missing there. The job's id is the
 * event's, so what is still on its way in Redis is not doubled. The cursor is kept a page at a time: a run that was
 * stopped goes on from there.
 */
export async function reconcile(deps: ReconcileDeps, options: ReconcileOptions): Promise<ReconcileReport> {
  const since = toUnixSeconds(options.since);
  const overdue = toUnixSeconds(new Date(deps.clock.now().getTime() - ON_ITS_WAY_MS));
  const cursor = await cursorOf(deps, options, since);
  const report: ReconcileReport = {
    listed: cursor?.listed ?? 0,
    missing: cursor?.missing ?? 0,
    enqueued: cursor?.enqueued ?? 0,
    reached: null,
  };
  let startingAfter = cursor?.startingAfter;
  for (let more = true; more; ) {
    const page = await deps.pace(() =>
      deps.stripe.events.list({
        created: { gte: since },
        limit: PAGE_SIZE,
        ...(startingAfter ? { starting_after: startingAfter } : {}),
      }),
    );
    const missing = await missingOf(deps.orm, page.data);
    if (!options.dryRun) await enqueue(deps.events, missing);
    countMissingEvents(missing.filter(({ created }) => created < overdue).length);
    const last = page.data.at(-1);
    report.listed += page.data.length;
    report.missing += missing.length;
    report.enqueued += options.dryRun ? 0 : missing.length;
    report.reached = last ? fromUnixSeconds(last.created) : report.reached;
    options.onPage?.(report);
    startingAfter = last?.id;
    more = page.has_more && startingAfter !== undefined;
    if (more && startingAfter && options.resumeAs) {
      const { listed, missing: found, enqueued } = report;
      const data: Cursor = { since, startingAfter, listed, missing: found, enqueued };
      await remember(deps.orm, options.resumeAs, data, deps.clock.now());
    }
  }
  if (options.resumeAs) await forget(deps.orm, options.resumeAs);
  if (report.missing > 0) {
    deps.logger.warn({ ...report }, `Stripe knows ${report.missing} events that never arrived here`);
  }
  return report;
}

/** A cursor of a run that was to reach as far back. */
async function cursorOf(
  { orm }: ReconcileDeps,
  { resumeAs }: ReconcileOptions,
  since: number,
): Promise<Cursor | undefined> {
  if (resumeAs === undefined) return undefined;
  const cursor = await recall<Cursor>(orm, resumeAs);
  return cursor && cursor.since <= since ? cursor : undefined;
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
