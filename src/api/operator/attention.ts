import { MaintenanceState, Subscription, WebhookEvent } from '../../shared/entities/index.ts';
import { fromUnixSeconds } from '../../shared/unix-time.ts';
import type { WebDeps } from '../deps.ts';
import { timestamp } from '../envelope.ts';
import { moneyAtAttention } from './money-attention.ts';

/** Most rows of one kind that are named. */
const NAMED = 100;

/** An entry that an operator can say is done. */
export type MarkableEntry = { kind: string; id: string };

/** What a person has to look at: nothing here gets well by itself. */
export async function attentionOf({ orm, clock, config }: Pick<WebDeps, 'orm' | 'clock' | 'config'>) {
  const em = orm.em.fork();
  const duplicates = await em.find(
    Subscription,
    { duplicateOf: { $ne: null }, status: { $in: ['active', 'past_due', 'unpaid'] } },
    { limit: NAMED },
  );
  const firsts = await em.find(Subscription, { id: { $in: duplicates.map((row) => row.duplicateOf ?? 0) } });
  const parked = await em.execute<{ waiting_for: string; events: string; since: string }[]>(
    `select waiting_for, count(*) as events, extract(epoch from min(created_at)) as since from webhook_events
     where waiting_for is not null and not processed group by waiting_for order by since limit ${NAMED}`,
  );
  const failed = await em.count(WebhookEvent, {
    processed: false,
    errorMessage: { $ne: null },
    waitingFor: null,
  });
  const stuck = await em.find(
    Subscription,
    { finalizationFailedAt: { $ne: null }, endedAt: null },
    { limit: NAMED, orderBy: { finalizationFailedAt: 'asc' } },
  );
  const untaxed = await em.find(
    Subscription,
    { taxDisabledReason: { $ne: null }, endedAt: null },
    { limit: NAMED },
  );
  const neverPaid = await em.find(
    Subscription,
    { firstUnpaidAt: { $ne: null }, stripeStatus: 'active' },
    { limit: NAMED, orderBy: { firstUnpaidAt: 'asc' } },
  );
  const reports = await em.find(MaintenanceState, { name: { $in: ['drift', 'webhook-endpoint'] } });
  const report = (name: string) => {
    const row = reports.find((candidate) => candidate.name === name);
    return row ? { ...row.data, checked_at: timestamp(row.updatedAt) } : null;
  };
  return {
    duplicate_subscriptions: duplicates.map((row) => ({
      user_id: row.userId,
      stripe_subscription_id: row.stripeSubscriptionId,
      duplicate_of: firsts.find((first) => first.id === row.duplicateOf)?.stripeSubscriptionId ?? null,
    })),
    parked: parked.map(({ waiting_for, events, since }) => ({
      waiting_for,
      events: Number(events),
      since: timestamp(fromUnixSeconds(Number(since))),
    })),
    unfinalized_invoices: stuck.map((row) => ({
      user_id: row.userId,
      stripe_subscription_id: row.stripeSubscriptionId,
      stripe_invoice_id: row.latestInvoiceId ?? null,
      reason: row.finalizationError ?? null,
      since: timestamp(row.finalizationFailedAt),
    })),
    tax_switched_off: untaxed.map((row) => ({
      user_id: row.userId,
      stripe_subscription_id: row.stripeSubscriptionId,
      reason: row.taxDisabledReason ?? null,
    })),
    first_payment_failed: neverPaid.filter(isStillUnpaid).map((row) => ({
      user_id: row.userId,
      stripe_subscription_id: row.stripeSubscriptionId,
      since: timestamp(row.firstUnpaidAt),
    })),
    failed_events: failed,
    money: await moneyAtAttention(em, {
      now: clock.now(),
      livemode: config.stripe.livemode,
      limit: NAMED,
    }),
    drift: report('drift'),
    webhook_endpoint: report('webhook-endpoint'),
  };
}

/** A later invoice may have been paid since. */
function isStillUnpaid({ firstUnpaidAt, paidUntil }: Subscription): boolean {
  return firstUnpaidAt != null && (paidUntil == null || paidUntil <= firstUnpaidAt);
}
