import { DAY, HOUR } from '../../../shared/duration.ts';
import type { Subscription } from '../../../shared/entities/index.ts';
import type { Ledger } from '../ledger/index.ts';

/** How long before its end people hear that a trial ends, as Stripe's own event has it. */
export const TRIAL_NOTICE_MS = 3 * DAY;
/** Stripe's event may come a little early. */
const SLACK_MS = HOUR;

/**
 * Tells that a trial ends soon, once for each end. Of a trial that is over, or that goes on for longer, it tells nothing:
 * Stripe's event comes also where a trial is made shorter or ended by hand, and once more it may not come at all where
 * one is made longer.
 * @param at the moment from which the days are counted
 */
export function announceTrialEnd(ledger: Ledger, row: Subscription, at: Date): void {
  if (row.stripeStatus !== 'trialing' || row.trialEnd == null) return;
  const left = row.trialEnd.getTime() - at.getTime();
  if (left <= 0 || left > TRIAL_NOTICE_MS + SLACK_MS) return;
  ledger.announce({
    fact: `trial_ending:${row.stripeSubscriptionId}:${row.trialEnd.toISOString()}`,
    userId: row.userId,
    type: 'trial_ending',
    data: {
      message: "Votre période d'essai se termine bientôt.",
      days_left: Math.ceil(left / DAY),
      end_date: row.trialEnd.toISOString(),
    },
  });
}
