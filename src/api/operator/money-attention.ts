import type { EntityManager } from '@mikro-orm/postgresql';
import { exactNumber } from '../../shared/entities/columns.ts';
import { toMajorUnits } from '../../shared/money.ts';
import { fromUnixSeconds } from '../../shared/unix-time.ts';
import { timestamp } from '../envelope.ts';

/** Money taken with nothing given, or the reverse. */
export type MoneyEntry = {
  /** Stripe's id of the invoice, or of the intent where there is none; of the subscription where nobody paid. */
  id: string;
  kind: 'paid_after_end' | 'period_over' | 'active_unpaid';
  user_id: number;
  reason: string;
  since: string | null;
  stripe_subscription_id: string | null;
  /** What was taken and has not been given back, in major units; null where nothing was taken. */
  amount: number | null;
  currency: string | null;
};

const REASONS = {
  paid_after_end:
    'paid after its end: the subscription had ended before its invoice was paid; refund it or credit it',
  period_over: 'the period was over before it was paid for; refund it or credit it',
  active_unpaid: 'active at Stripe, and since then nothing was paid, is being collected or has failed',
} as const satisfies Record<MoneyEntry['kind'], string>;

/** For so long Stripe holds an invoice back while an endpoint takes no events, and a day more for the rest. */
const OVERDUE = `interval '4 days'`;

/**
 * A refund, a credit note, a lost dispute or a subscription bought since settles it. That one is what `gave_nothing`
 * says, which has an index of its own.
 */
const GAVE_NOTHING = `
  select coalesce(stripe_invoice_id, stripe_payment_intent_id) as id, gave_nothing as kind, user_id,
    extract(epoch from paid_at) as since, stripe_subscription_id, amount - amount_refunded as amount, currency
  from payments
  where gave_nothing is not null and status = 'succeeded' and coalesce(dispute_status, '') <> 'lost'
    and amount_refunded + coalesce((
      select sum(credit_notes.amount) from credit_notes
      where credit_notes.stripe_invoice_id = payments.stripe_invoice_id and credit_notes.status <> 'void'), 0) < amount
    and not exists (select from subscriptions as bought
      where bought.user_id = payments.user_id and bought.stripe_created_at >= payments.paid_at)
    and not exists (select from attention_done
      where kind = gave_nothing and subject = coalesce(stripe_invoice_id, stripe_payment_intent_id))
  order by paid_at limit ?`;

const ACTIVE_UNPAID = `
  select stripe_subscription_id as id, 'active_unpaid' as kind, user_id, extract(epoch from paid_until) as since,
    stripe_subscription_id, null as amount, null as currency
  from subscriptions
  where status = 'active' and duplicate_of is null and ended_at is null and not collection_paused
    and coalesce(livemode, ?) = ? and paid_until < ?::timestamp - ${OVERDUE}
    and not exists (select from payments
      where payments.user_id = subscriptions.user_id and payments.status in ('pending', 'failed')
        and payments.stripe_subscription_id = subscriptions.stripe_subscription_id)
    and not exists (select from attention_done
      where kind = 'active_unpaid' and subject = subscriptions.stripe_subscription_id)
  order by paid_until limit ?`;

/** `bigint` and `numeric`, which the driver gives as text. */
type Row = {
  id: string;
  kind: MoneyEntry['kind'];
  user_id: string | number;
  since: string | null;
  stripe_subscription_id: string | null;
  amount: string | number | null;
  currency: string | null;
};

/** @param limit the most of each kind that is named */
export async function moneyAtAttention(
  em: EntityManager,
  { now, livemode, limit }: { now: Date; livemode: boolean; limit: number },
): Promise<MoneyEntry[]> {
  const taken = await em.execute<Row[]>(GAVE_NOTHING, [limit]);
  const given = await em.execute<Row[]>(ACTIVE_UNPAID, [livemode, livemode, now.toISOString(), limit]);
  return [...taken, ...given].map(
    ({ id, kind, user_id, since, stripe_subscription_id, amount, currency }) => ({
      id,
      kind,
      user_id: Number(user_id),
      reason: REASONS[kind],
      since: since === null ? null : timestamp(fromUnixSeconds(Number(since))),
      stripe_subscription_id,
      amount: amount === null || currency === null ? null : toMajorUnits(exactNumber(amount), currency),
      currency,
    }),
  );
}
