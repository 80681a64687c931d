import type { FilterQuery } from '@mikro-orm/core';
import type Stripe from 'stripe';
import { Customer, type PlanType, Subscription, User } from '../../shared/entities/index.ts';
import { toError } from '../../shared/errors.ts';
import { premiumUntil } from '../../shared/premium/index.ts';
import { isEndedStatus, readSubscription, type SubscriptionFacts } from '../../shared/stripe/facts/index.ts';
import { toSubscriptionStatus } from '../../shared/stripe/status.ts';
import { isLive } from '../events/books/subscription-book.ts';
import type { Follow } from '../events/follow.ts';
import { answeredAt, type SnapshotDeps } from '../events/snapshots.ts';
import { readsThrough } from '../events/stripe-reads.ts';
import type { Pace } from './pace.ts';
import { settleUsers } from './settle-users.ts';
import { syncSubscription } from './sync-subscription.ts';

/** Why a row and Stripe disagree. */
export type DriftCause =
  /** Stripe has it for a customer we know, we have no row: its events were lost, or never sent here. */
  | 'row_missing'
  /** The row reflects an older state: an event was lost, or is still on its way. */
  | 'event_missing'
  /** The row says it reflects this very state, and yet differs: somebody else wrote to it. */
  | 'foreign_write'
  /** Our row names a subscription that Stripe does not know: another account or mode. */
  | 'unknown_at_stripe'
  /** `users.premium` is not what the user's subscriptions make it. */
  | 'premium_differs'
  /** Stripe still bills somebody who has no account any more. */
  | 'user_gone'
  /** Stripe bills a customer for premium whom nobody here is known for. */
  | 'customer_unknown'
  /** One user pays for two live subscriptions. */
  | 'duplicate';

/** One disagreement. */
export type Drift = {
  cause: DriftCause;
  subscription: string | null;
  customer: string | null;
  userId: number | null;
  /** Field by field: ours and Stripe's. */
  fields: { field: string; ours: string | null; stripes: string | null }[];
  healed: boolean;
};

export type DriftReport = { checked: number; drifts: Drift[]; failed: number };

export type DriftOptions = {
  /** Heals what can be healed by reading it again; reports everything either way. */
  fix?: boolean;
  onPage?: (report: DriftReport) => void;
};

type DriftDeps = SnapshotDeps & { pace: Pace; follow: Follow };

const PAGE_SIZE = 100;
const ROWS_AT_ONCE = 500;

/** Compares subscriptions and premium with Stripe, field by field. */
export async function checkDrift(deps: DriftDeps, options: DriftOptions = {}): Promise<DriftReport> {
  const report: DriftReport = { checked: 0, drifts: [], failed: 0 };
  const seen = new Set<string>();
  let startingAfter: string | undefined;
  for (let more = true; more; ) {
    const page = await deps.pace(() =>
      deps.stripe.subscriptions.list({
        status: 'all',
        limit: PAGE_SIZE,
        ...(startingAfter ? { starting_after: startingAfter } : {}),
      }),
    );
    const seenAt = answeredAt(page, deps.clock.now());
    await checkPage(deps, options, page.data, seenAt, report);
    for (const { id } of page.data) seen.add(id);
    startingAfter = page.data.at(-1)?.id;
    more = page.has_more && startingAfter !== undefined;
    options.onPage?.(report);
  }
  await checkUnseen(deps, seen, report);
  await checkPremium(deps, options, report);
  return report;
}

async function checkPage(
  deps: DriftDeps,
  options: DriftOptions,
  page: readonly Stripe.Subscription[],
  seenAt: Date,
  report: DriftReport,
): Promise<void> {
  const em = deps.orm.em.fork();
  const rows = await em.find(Subscription, { stripeSubscriptionId: { $in: page.map(({ id }) => id) } });
  const customers = await em.find(Customer, { stripeCustomerId: { $in: page.map(customerIdOf) } });
  for (const object of page) {
    report.checked += 1;
    try {
      const told = readSubscription({ ...object, latest_invoice: null });
      const row = rows.find((candidate) => candidate.stripeSubscriptionId === told.id);
      const plan = await deps.catalog.planOf(told, row !== undefined, readsThrough(deps.stripe));
      if (plan === null) continue;
      const facts = deps.catalog.focus(told);
      const customer = customers.find((candidate) => candidate.stripeCustomerId === facts.customerId);
      const drift = row ? compare(row, facts, plan, seenAt) : missing(facts, customer);
      if (drift) report.drifts.push(await heal(deps, options, drift));
    } catch (thrown) {
      report.failed += 1;
      deps.logger.error({ err: toError(thrown), subscription: object.id }, `Could not check ${object.id}`);
    }
  }
}

function customerIdOf({ customer }: Stripe.Subscription): string {
  return typeof customer === 'string' ? customer : customer.id;
}

/** A subscription at Stripe without a row of ours. One that ended harms nobody. */
function missing(facts: SubscriptionFacts, customer: Customer | undefined): Drift | null {
  if (isEndedStatus(facts.status)) return null;
  const cause =
    customer === undefined ? 'customer_unknown' : customer.userId == null ? 'user_gone' : 'row_missing';
  return driftOf(cause, facts.id, facts.customerId, customer?.userId ?? null, [
    { field: 'status', ours: null, stripes: facts.status },
  ]);
}

function compare(row: Subscription, facts: SubscriptionFacts, plan: PlanType, seenAt: Date): Drift | null {
  const pairs: [field: string, ours: unknown, stripes: unknown][] = [
    ['status', row.status, toSubscriptionStatus(facts.status)],
    ['stripe_status', row.stripeStatus, facts.status],
    ['plan_type', row.planType, plan],
    ['stripe_price_id', row.stripePriceId, facts.priceId],
    ['stripe_customer_id', row.stripeCustomerId, facts.customerId],
    ['current_period_start', row.currentPeriodStart, facts.period?.start],
    ['current_period_end', row.currentPeriodEnd, facts.period?.end],
    ['cancel_at', row.cancelAt, facts.cancelAt],
    ['cancel_at_period_end', row.cancelAtPeriodEnd, facts.cancelAt !== null],
    ['canceled_at', row.canceledAt, facts.canceledAt],
    ['ended_at', row.endedAt, facts.endedAt],
    ['trial_start', row.trialStart, facts.trialStart],
    ['trial_end', row.trialEnd, facts.trialEnd],
    ['collection_paused', row.collectionPaused, facts.collectionPaused],
    ['collection_method', row.collectionMethod ?? 'charge_automatically', facts.collectionMethod],
    ['tax_disabled_reason', row.taxDisabledReason, facts.taxDisabledReason],
  ];
  const fields = pairs
    .map(([field, ours, stripes]) => ({ field, ours: wordOf(ours), stripes: wordOf(stripes) }))
    .filter(({ ours, stripes }) => ours !== stripes);
  if (row.duplicateOf != null && isLive(row)) {
    return driftOf('duplicate', facts.id, facts.customerId, row.userId, fields);
  }
  if (fields.length === 0) return null;
  const reflectsNow = row.snapshotAt != null && row.snapshotAt >= seenAt;
  return driftOf(
    reflectsNow ? 'foreign_write' : 'event_missing',
    facts.id,
    facts.customerId,
    row.userId,
    fields,
  );
}

function wordOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Rows that run by our books and that Stripe's list did not have. */
async function checkUnseen(deps: DriftDeps, seen: ReadonlySet<string>, report: DriftReport): Promise<void> {
  for await (const running of pagesOf(deps, { endedAt: null })) {
    for (const row of running) {
      if (seen.has(row.stripeSubscriptionId)) continue;
      report.checked += 1;
      report.drifts.push(
        driftOf('unknown_at_stripe', row.stripeSubscriptionId, row.stripeCustomerId, row.userId, [
          { field: 'status', ours: row.status, stripes: null },
        ]),
      );
    }
  }
}

async function checkPremium(deps: DriftDeps, options: DriftOptions, report: DriftReport): Promise<void> {
  const now = deps.clock.now();
  const checked = new Set<number>();
  for await (const page of pagesOf(deps, {})) {
    const fresh = [...new Set(page.map((row) => row.userId))].filter((id) => !checked.has(id));
    for (const id of fresh) checked.add(id);
    const em = deps.orm.em.fork();
    const users = await em.find(User, { id: { $in: fresh } });
    // All of a user's subscriptions count together, also those on other pages.
    const byUser = Map.groupBy(await em.find(Subscription, { userId: { $in: fresh } }), (row) => row.userId);
    for (const user of users) {
      const drift = premiumDrift(user, byUser.get(user.id) ?? [], deps.policy, now);
      if (!drift) continue;
      if (options.fix) await deps.follow(await settleUsers(deps, [user.id]));
      report.drifts.push({ ...drift, healed: options.fix === true });
    }
  }
}

function premiumDrift(
  user: User,
  rows: readonly Subscription[],
  policy: DriftDeps['policy'],
  now: Date,
): Drift | null {
  const expected = rows
    .map((row) => premiumUntil(row, policy, now))
    .reduce((best, until) => (until !== null && (best === null || until > best) ? until : best), null);
  if (expected === null || user.premium?.getTime() === expected.getTime()) return null;
  return driftOf('premium_differs', null, null, user.id, [
    { field: 'premium', ours: wordOf(user.premium), stripes: wordOf(expected) },
  ]);
}

/** Our rows a page at a time, so that memory does not grow with the table. */
async function* pagesOf(
  { orm }: DriftDeps,
  where: FilterQuery<Subscription>,
): AsyncGenerator<Subscription[]> {
  for (let after = 0; ; ) {
    const page = await orm.em
      .fork()
      .find(
        Subscription,
        { $and: [where, { id: { $gt: after } }] },
        { orderBy: { id: 'asc' }, limit: ROWS_AT_ONCE },
      );
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.id;
  }
}

async function heal(deps: DriftDeps, { fix }: DriftOptions, drift: Drift): Promise<Drift> {
  const curable =
    drift.cause === 'row_missing' || drift.cause === 'event_missing' || drift.cause === 'foreign_write';
  if (!fix || !curable || drift.subscription === null) return drift;
  await deps.follow(await syncSubscription(deps, drift.subscription));
  return { ...drift, healed: true };
}

function driftOf(
  cause: DriftCause,
  subscription: string | null,
  customer: string | null,
  userId: number | null,
  fields: Drift['fields'],
): Drift {
  return { cause, subscription, customer, userId, fields, healed: false };
}
