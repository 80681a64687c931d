import { toError } from '../../../shared/errors.ts';
import type { QueueOf } from '../../../shared/queues/index.ts';
import type { Follow } from '../../events/follow.ts';
import type { SnapshotDeps } from '../../events/snapshots.ts';
import type { Pace } from '../pace.ts';
import { sweepCheckoutSessions } from './checkout-sessions.ts';
import { sweepFailedJobs } from './failed-jobs.ts';
import { sweepPremiumEnds } from './premium-ends.ts';
import { sweepOldPayloads } from './retention.ts';
import { sweepStoredEvents } from './stored-events.ts';
import { sweepTrialEnds } from './trial-ends.ts';
import { sweepUndeliveredMessages } from './undelivered-messages.ts';
import { sweepUnlinkedPayments } from './unlinked-payments.ts';

export type SweepDeps = SnapshotDeps & {
  events: QueueOf<'stripe-events'>;
  notifications: QueueOf<'notifications'>;
  maintenance: QueueOf<'maintenance'>;
  follow: Follow;
  pace: Pace;
  /** How long payloads of applied events are kept, in days. */
  retentionDays: number;
};

/** What each part does is said in its own file; each answers with how much it found. */
const PARTS: Readonly<Record<string, (deps: SweepDeps) => Promise<number>>> = {
  storedEvents: sweepStoredEvents,
  failedJobs: sweepFailedJobs,
  undeliveredMessages: sweepUndeliveredMessages,
  premiumEnds: sweepPremiumEnds,
  trialEnds: sweepTrialEnds,
  checkoutSessions: sweepCheckoutSessions,
  unlinkedPayments: sweepUnlinkedPayments,
  oldPayloads: sweepOldPayloads,
};

/** Puts right what time and lost messages leave behind. One part's failure does not keep the others from running. */
export async function sweep(deps: SweepDeps): Promise<void> {
  const found: Record<string, number> = {};
  const failures: Error[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    try {
      const count = await part(deps);
      if (count > 0) found[name] = count;
    } catch (thrown) {
      const cause = toError(thrown);
      failures.push(new Error(`The sweep of ${name} failed: ${cause.message}`, { cause }));
    }
  }
  if (Object.keys(found).length > 0) deps.logger.info(found, 'The sweep found something to put right');
  if (failures.length > 0)
    throw new AggregateError(failures, failures.map(({ message }) => message).join('; '));
}
