import { announceTrialEnd, TRIAL_NOTICE_MS } from '../../events/books/trial-end.ts';
import { inUnitOfWork } from '../../events/unit-of-work.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 200;

/**
 * Tells of trials that end soon where Stripe's event did not: it may be lost, and after a trial was made longer Stripe
 * need not send it again.
 */
export async function sweepTrialEnds(deps: SweepDeps): Promise<number> {
  const now = deps.clock.now();
  const ending = await deps.orm.em.fork().execute<{ id: string }[]>(
    `select stripe_subscription_id as id from subscriptions
     where status = 'active' and stripe_status = 'trialing' and trial_end > ? and trial_end <= ?
       and not exists (select from outbox_messages where fact = 'trial_ending:' || stripe_subscription_id || ':'
         || to_char(trial_end, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
     limit ${MOST_AT_ONCE}`,
    [now.toISOString(), new Date(now.getTime() + TRIAL_NOTICE_MS).toISOString()],
  );
  if (ending.length === 0) return 0;
  const touches = ending.map(({ id }) => ({ subscription: id }));
  await deps.follow(
    await inUnitOfWork(deps, touches, [], async (ledger) => {
      ledger.correlationId = 'trial-ends';
      for (const { id } of ending) {
        const row = ledger.subscription(id);
        if (row) announceTrialEnd(ledger, row, now);
      }
    }),
  );
  return ending.length;
}
