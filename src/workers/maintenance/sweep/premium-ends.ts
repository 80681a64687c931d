import { DAY, HOUR, MINUTE } from '../../../shared/duration.ts';
import { RENEWAL_LEAD_MS } from '../../../shared/premium/index.ts';
import { confirmEnds } from '../../events/follow.ts';
import { settleUsers } from '../settle-users.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 500;
/** What was asked this long ago has been told by now, or is to be asked again. */
const JUST_ASKED_MS = 10 * MINUTE;
/** An end older than this was announced, or is no news. */
const NEWS_MS = 7 * DAY;
/** Longer than a renewal that nothing is heard of lets premium go on. */
const UNHEARD_MS = 12 * HOUR;

/** A subscription that nothing known keeps from renewing by itself. */
const RENEWS = `subscriptions.status = 'active' and not subscriptions.collection_paused
  and coalesce(subscriptions.collection_method, 'charge_automatically') = 'charge_automatically'
  and subscriptions.past_due_since is null and subscriptions.revoked_at is null
  and (subscriptions.cancel_at is null or subscriptions.cancel_at > subscriptions.paid_until)`;

/** Of our key's mode, which is given twice. */
const OF_MODE = 'coalesce(subscriptions.livemode, ?) = ?';

/** Premium goes no further than what is covered. */
const NOTHING_ALLOWED = 'greatest(subscriptions.paid_until, subscriptions.trial_end) = users.premium';

/** Its next period has begun, and its invoice may become paid: what the rule of premium says, of rows. */
const UNDER_WAY = `subscriptions.current_period_start <= subscriptions.paid_until
  and subscriptions.current_period_end > subscriptions.paid_until
  and (subscriptions.first_unpaid_at is null or subscriptions.first_unpaid_at < subscriptions.paid_until)
  and (subscriptions.trial_end is null or subscriptions.trial_end <= subscriptions.paid_until)
  and case when subscriptions.latest_invoice_at >= subscriptions.current_period_start
    then subscriptions.latest_invoice_failed_at is null
      and subscriptions.latest_invoice_status not in ('void', 'uncollectible')
    else coalesce(subscriptions.paused_period_start < subscriptions.current_period_start, true) end`;

/**
 * Works out premium again where time alone changes it: just before a renewal, so that nobody loses premium while
 * Stripe collects; during one that was under way when this service still thought that it takes hours; and after an end
 * whose final event never came, so that the user hears of it.
 */
export async function sweepPremiumEnds(deps: SweepDeps): Promise<number> {
  const now = deps.clock.now().getTime();
  const mode = [deps.livemode, deps.livemode];
  const ends = [at(now - UNHEARD_MS), at(now + RENEWAL_LEAD_MS)];
  const due = await deps.orm.em.fork().execute<{ id: string | number }[]>(
    `select users.id from users
     join subscriptions on subscriptions.user_id = users.id
     where ${RENEWS} and ${NOTHING_ALLOWED} and ${OF_MODE} and subscriptions.paid_until between ? and ?
     union
     select users.id from users
     join subscriptions on subscriptions.user_id = users.id
     where ${RENEWS} and ${NOTHING_ALLOWED} and ${OF_MODE} and subscriptions.trial_end between ? and ?
     union
     select users.id from users
     join subscriptions on subscriptions.user_id = users.id
     where ${RENEWS} and ${UNDER_WAY} and ${OF_MODE} and users.premium < ? and subscriptions.paid_until between ? and ?
     limit ${MOST_AT_ONCE}`,
    [
      ...mode,
      ...ends,
      ...mode,
      ...ends,
      ...mode,
      at(now),
      at(now - deps.policy.processingDays * DAY),
      at(now),
    ],
  );
  if (due.length > 0) await deps.follow(await settleUsers(deps, due.map(idOf)));
  return due.length + (await confirmUntoldEnds(deps, now));
}

/** An end that nobody was told of is confirmed once more; where Stripe was asked a moment ago, somebody is at it. */
async function confirmUntoldEnds({ orm, maintenance, livemode }: SweepDeps, now: number): Promise<number> {
  const untold = await orm.em.fork().execute<{ id: string | number }[]>(
    `select users.id from users
     where users.premium between ? and ?
       and exists (select 1 from subscriptions
         where user_id = users.id and snapshot_at is not null and ${OF_MODE})
       and not exists (select 1 from subscriptions where user_id = users.id and read_at > ?)
       and not exists (select 1 from outbox_messages where user_id = users.id and fact like 'premium\\_ended:%'
         and outbox_messages.created_at >= users.premium)
     limit ${MOST_AT_ONCE}`,
    [at(now - NEWS_MS), at(now), livemode, livemode, at(now - JUST_ASKED_MS)],
  );
  await confirmEnds(maintenance, untold.map(idOf));
  return untold.length;
}

function idOf({ id }: { id: string | number }): number {
  return Number(id);
}

function at(time: number): string {
  return new Date(time).toISOString();
}
