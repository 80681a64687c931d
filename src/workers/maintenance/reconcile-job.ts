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
  const startedAt = deps.clock.now();
  const mark = await recall<{ until: string }>(deps.orm, MARK);
  const from = mark ? Date.parse(mark.until) - OVERLAP_MS : startedAt.getTime() - FIRST_LOOK_BACK_MS;
  const since = new Date(Math.max(from, startedAt.getTime() - STRIPE_KEEPS_MS));
  const report = await reconcile(deps, { since, resumeAs: 'reconcile-cursor' });
  await remember(deps.orm, MARK, { until: startedAt.toISOString() }, deps.clock.now());
  return report;
}
