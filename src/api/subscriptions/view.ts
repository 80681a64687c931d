import type { PlanType, Subscription, SubscriptionStatus } from '../../shared/entities/index.ts';
import type { SubscriptionFacts } from '../../shared/stripe/facts/index.ts';
import { toSubscriptionStatus } from '../../shared/stripe/index.ts';
import { timestamp } from '../envelope.ts';

/** A subscription as the API tells it. */
export type SubscriptionView = {
  /** Null until the worker has stored it. */
  id: number | null;
  plan_type: PlanType | null;
  status: SubscriptionStatus;
  stripe_status: string | null;
  current_period_start: string | null;
  current_period_end: string | null;
  cancel_at_period_end: boolean;
  canceled_at: string | null;
  trial_start: string | null;
  trial_end: string | null;
  stripe_subscription_id: string;
};

/** As our row has it. */
export function viewOfRow(row: Subscription): SubscriptionView {
  return {
    id: row.id,
    plan_type: row.planType,
    status: row.status,
    stripe_status: row.stripeStatus ?? null,
    current_period_start: timestamp(row.currentPeriodStart),
    current_period_end: timestamp(row.currentPeriodEnd),
    cancel_at_period_end: row.cancelAtPeriodEnd,
    canceled_at: timestamp(row.canceledAt),
    trial_start: timestamp(row.trialStart),
    trial_end: timestamp(row.trialEnd),
    stripe_subscription_id: row.stripeSubscriptionId,
  };
}

/** As Stripe has just told it, ahead of our row. */
export function viewOfFacts(
  facts: SubscriptionFacts,
  known: { id: number | null; planType: PlanType | null },
): SubscriptionView {
  return {
    id: known.id,
    plan_type: known.planType,
    status: toSubscriptionStatus(facts.status),
    stripe_status: facts.status,
    current_period_start: timestamp(facts.period?.start ?? null),
    current_period_end: timestamp(facts.period?.end ?? null),
    cancel_at_period_end: facts.cancelAt !== null,
    canceled_at: timestamp(facts.canceledAt),
    trial_start: timestamp(facts.trialStart),
    trial_end: timestamp(facts.trialEnd),
    stripe_subscription_id: facts.id,
  };
}
