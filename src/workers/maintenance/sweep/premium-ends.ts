import { DAY, HOUR } from '../../../shared/duration.ts';
import { RENEWAL_LEAD_MS } from '../../../shared/premium/index.ts';
import { settleUsers } from '../settle-users.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 500;
/** An end older than this was announced, or is no news. */
const NEWS_MS = 7 * DAY;
/** Longer than any renewal is allowed to take. */
const RENEWAL_MS = 12 * HOUR;

/**
 * Works out premium again where time alone changes it: just before a renewal, so that nobody loses premium while
 * Stripe collects, and after an end whose final event never came, so that the user hears of it.
 */
export async function sweepPremiumEnds(deps: SweepDeps): Promise<number> {
  const now = deps.clock.now().getTime();
  const mode = deps.livemode;
  const at = (time: number): string => new Date(time).toISOString();
  const due = await deps.orm.em.fork().execute<{ id: string | number }[]>(
    `select users.id from users
     join subscriptions on subscriptions.user_id = users.id
     where subscriptions.status = 'active' and subscriptions.paid_until = users.premium
       and coalesce(subscriptions.livemode, ?) = ?
       and (subscriptions.cancel_at is null or subscriptions.cancel_at > subscriptions.paid_until)
       and not subscriptions.collection_paused
       and subscriptions.paid_until between ? and ?
     union
     select users.id from users
     where users.premium between ? and ?
       and exists (select 1 from subscriptions where user_id = users.id and snapshot_at is not null
         and coalesce(livemode, ?) = ?)
       and not exists (select 1 from outbox_messages where user_id = users.id and fact like 'premium\\_ended:%'
         and outbox_messages.created_at >= users.premium)
     limit ${MOST_AT_ONCE}`,
    [mode, mode, at(now - RENEWAL_MS), at(now + RENEWAL_LEAD_MS), at(now - NEWS_MS), at(now), mode, mode],
  );
  if (due.length > 0)
    await deps.follow(
      await settleUsers(
        deps,
        due.map(({ id }) => Number(id)),
      ),
    );
  return due.length;
}
