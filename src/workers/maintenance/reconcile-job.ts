import { DAY, HOUR } from '../../shared/duration.ts';
import { type ReconcileDeps, type ReconcileReport, reconcile } from './reconcile.ts';
import { recall, remember } from './state.ts';

const MARK = 'reconciled-until';
/** Events appear in Stripe's list with delay, and deliveries take days to be given up. */
const OVERLAP_MS = 3 * HOUR;
const FIRST_LOOK_BACK_MS = 3 * DAY;
const STRIPE_KEEPS_MS = 29 * DAY;

/** The repeating run: from the last completed one on, with an overlap. */
export async function reconcileSinceLast(deps: ReconcileDeps): Promise<ReconcileReport> {
  const startedAt = deps.clock.now().getTime();
  const mark = await markOf(deps, startedAt);
  const from = mark === undefined ? startedAt - FIRST_LOOK_BACK_MS : mark - OVERLAP_MS;
  const oldest = startedAt - STRIPE_KEEPS_MS;
  if (from < oldest) {
    deps.logger.error(
      { from: new Date(from), oldest: new Date(oldest) },
      'Stripe keeps no events from before its last 30 days: run npm run backfill for what happened in between',
    );
  }
  const since = new Date(Math.max(from, oldest));
  const report = await reconcile(deps, { since, resumeAs: 'reconcile-cursor' });
  // Only of a run that came to its end; should a younger one have ended before it, that one's stays.
  const latest = await markOf(deps, deps.clock.now().getTime());
  if (latest === undefined || latest < startedAt) {
    await remember(deps.orm, MARK, { until: new Date(startedAt).toISOString() }, deps.clock.now());
  }
  return report;
}

/** Until when everything is compared, in milliseconds; a mark in the future is a wrong clock's. */
async function markOf({ orm }: ReconcileDeps, now: number): Promise<number | undefined> {
  const mark = await recall<{ until?: string }>(orm, MARK);
  const until = Date.parse(mark?.until ?? '');
  return until <= now ? until : undefined;
}
