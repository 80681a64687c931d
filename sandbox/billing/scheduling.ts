import type Stripe from 'stripe';
import { emit, update } from '../events/emit.ts';
import type { StoredInvoice, StoredPrice, StoredSchedule, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancelSubscription, type LastBill } from './canceling.ts';
import { changeItems, chargeDraft, type ItemChange, type ProrationBehavior } from './changing.ts';
import { addInterval } from './period.ts';
import { planAhead } from './renewing.ts';
import { subscribe } from './subscribing.ts';
import { currentPeriod, DEFAULT_TRIAL_SETTINGS, planOf } from './subscription-object.ts';

type Phase = Stripe.SubscriptionSchedule.Phase;

/** One phase as it is wanted. Times are Unix seconds. */
export interface PhaseDraft {
  items: { price: StoredPrice; quantity: number }[];
  start: number;
  end: number;
  proration: ProrationBehavior;
  anchor: 'automatic' | 'phase_start' | null;
  trialEnd: number | null;
  metadata: Stripe.Metadata;
}

/** A schedule for a subscription that runs: one phase, as it is until its period or its planned end is over. */
export function scheduleFrom(world: World, subscription: StoredSubscription): StoredSchedule {
  const period = currentPeriod(subscription);
  const items = subscription.items.data.map((item) => ({
    price: world.tables.prices.must(item.price.id),
    quantity: item.quantity ?? 1,
  }));
  const schedule = newSchedule(world, subscription.customer, {
    endBehavior: subscription.cancel_at === null ? 'release' : 'cancel',
    phases: [
      {
        items,
        start: period.start,
        end: subscription.cancel_at ?? period.end,
        proration: 'create_prorations',
        anchor: null,
        trialEnd: subscription.status === 'trialing' ? subscription.trial_end : null,
        metadata: {},
      },
    ],
  });
  attach(world, schedule, subscription, 'subscription_schedule.created');
  return schedule;
}

/** A schedule whose subscription begins with its first phase, now or later. */
export function scheduleAhead(
  world: World,
  customer: string,
  plan: { phases: PhaseDraft[]; endBehavior: 'release' | 'cancel' },
): StoredSchedule {
  const schedule = newSchedule(world, customer, plan);
  emit(world, 'subscription_schedule.created', schedule);
  const [first] = schedule.phases;
  if (!first) return schedule;
  if (first.start_date <= world.clock.now) begin(world, schedule);
  else world.agenda.set(`phase:${schedule.id}`, first.start_date, () => begin(world, schedule));
  return schedule;
}

/** Changes what is planned; phases that are given replace all there were. */
export function changeSchedule(
  world: World,
  schedule: StoredSchedule,
  change: { phases?: PhaseDraft[] | undefined; endBehavior?: 'release' | 'cancel' | undefined },
): void {
  update(world, 'subscription_schedule.updated', schedule, (changed) => {
    if (change.endBehavior) changed.end_behavior = change.endBehavior;
    if (change.phases) changed.phases = change.phases.map((draft) => phaseOf(draft));
    if (changed.status === 'active') changed.current_phase = phaseAt(changed, world.clock.now);
  });
  planPhases(world, schedule);
  followEnd(world, schedule);
}

/** Lets a subscription go on without its schedule; the rest of the plan is dropped. */
export function releaseSchedule(world: World, schedule: StoredSchedule, keepsEnd: boolean): void {
  const subscription = subscriptionOf(world, schedule);
  world.agenda.cancel(`phase:${schedule.id}`);
  update(world, 'subscription_schedule.released', schedule, (changed) => {
    changed.status = 'released';
    changed.released_at = world.clock.now;
    changed.released_subscription = changed.subscription;
    changed.subscription = null;
    changed.current_phase = null;
  });
  if (!subscription) return;
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.schedule = null;
    if (!keepsEnd && schedule.end_behavior === 'cancel') setEnd(world, changed, null);
  });
  planAhead(world, subscription);
}

/** Ends a schedule and its subscription. */
export function cancelSchedule(world: World, schedule: StoredSchedule, lastBill: LastBill): void {
  const subscription = subscriptionOf(world, schedule);
  if (subscription) cancelSubscription(world, subscription, 'cancellation_requested', lastBill);
  else close(world, schedule, 'canceled');
}

/** A subscription that ends takes its schedule with it. */
export function endSchedule(
  world: World,
  subscription: StoredSubscription,
  as: 'canceled' | 'completed',
): void {
  const schedule = subscription.schedule ? world.tables.schedules.get(subscription.schedule) : undefined;
  subscription.schedule = null;
  if (schedule) close(world, schedule, as);
}

/**
 * Moves a subscription into the phase that is due, if one is. A renewal asks first, so that a phase which begins with
 * a period is what that period is charged for.
 */
export function beginDuePhase(world: World, subscription: StoredSubscription): void {
  const schedule = subscription.schedule ? world.tables.schedules.get(subscription.schedule) : undefined;
  if (schedule?.status === 'active') advance(world, schedule, subscription);
}

function advance(world: World, schedule: StoredSchedule, subscription: StoredSubscription): void {
  const { now } = world.clock;
  const current = schedule.current_phase;
  if (current && current.end_date > now) return;
  const next = schedule.phases.find(({ start_date: start, end_date: end }) => start <= now && end > now);
  if (!next) {
    finish(world, schedule, subscription);
    return;
  }
  update(world, 'subscription_schedule.updated', schedule, (changed) => {
    changed.current_phase = { start_date: next.start_date, end_date: next.end_date };
  });
  planPhases(world, schedule);
  sellPhase(world, subscription, next);
  followEnd(world, schedule);
}

function finish(world: World, schedule: StoredSchedule, subscription: StoredSubscription): void {
  if (schedule.end_behavior === 'cancel') cancelSubscription(world, subscription, null);
  else releaseSchedule(world, schedule, false);
}

function sellPhase(world: World, subscription: StoredSubscription, phase: Phase): void {
  const { now } = world.clock;
  const atPeriodEnd = currentPeriod(subscription).end <= now;
  let draft: StoredInvoice | null = null;
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.metadata = { ...changed.metadata, ...phase.metadata };
    if (atPeriodEnd) {
      swapItems(world, changed, phase);
      if (phase.billing_cycle_anchor === 'phase_start') changed.billing_cycle_anchor = now;
      return;
    }
    const behavior = phase.proration_behavior as ProrationBehavior;
    draft = changeItems(world, changed, changesTo(world, changed, phase), behavior);
  });
  if (draft) chargeDraft(world, draft);
  if (!atPeriodEnd) planAhead(world, subscription);
}

// The period is over: there is nothing to prorate, and the renewal that follows charges the new items.
function swapItems(world: World, subscription: StoredSubscription, phase: Phase): void {
  for (const [index, item] of subscription.items.data.entries()) {
    const wanted = phase.items[index];
    const price = wanted && world.tables.prices.must(String(wanted.price));
    if (!price) continue;
    item.price = price;
    item.plan = planOf(price);
    item.quantity = wanted.quantity ?? 1;
  }
}

function changesTo(world: World, subscription: StoredSubscription, phase: Phase): ItemChange[] {
  const kept = phase.items.map(({ price, quantity }, index) => ({
    item: subscription.items.data[index] ?? null,
    price: world.tables.prices.must(String(price)),
    quantity: quantity ?? 1,
    deleted: false,
  }));
  const dropped = subscription.items.data
    .slice(phase.items.length)
    .map((item) => ({ item, price: null, quantity: null, deleted: true }));
  return [...kept, ...dropped];
}

function begin(world: World, schedule: StoredSchedule): void {
  const [first] = schedule.phases;
  if (schedule.status !== 'not_started' || !first) return;
  const subscription = subscribe(
    world,
    {
      customer: schedule.customer,
      items: first.items.map(({ price, quantity }) => ({
        price: world.tables.prices.must(String(price)),
        quantity: quantity ?? 1,
      })),
      metadata: { ...first.metadata },
      description: null,
      billingMode: world.config.billing.billingMode,
      trialEnd: first.trial_end,
      trialSettings: DEFAULT_TRIAL_SETTINGS,
      taxed: false,
      defaultPaymentMethod: null,
    },
    null,
    'allow_incomplete',
  );
  attach(world, schedule, subscription, 'subscription_schedule.updated');
}

function attach(
  world: World,
  schedule: StoredSchedule,
  subscription: StoredSubscription,
  event: 'subscription_schedule.created' | 'subscription_schedule.updated',
): void {
  schedule.subscription = subscription.id;
  schedule.status = 'active';
  schedule.current_phase = phaseAt(schedule, world.clock.now);
  emit(world, event, schedule);
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.schedule = schedule.id;
  });
  planPhases(world, schedule);
  followEnd(world, schedule);
}

function planPhases(world: World, schedule: StoredSchedule): void {
  world.agenda.cancel(`phase:${schedule.id}`);
  const end = schedule.current_phase?.end_date;
  if (end === undefined) return;
  world.agenda.set(`phase:${schedule.id}`, end, () => {
    const subscription = subscriptionOf(world, schedule);
    if (schedule.status === 'active' && subscription) advance(world, schedule, subscription);
  });
}

// Only in its last phase does a schedule that ends its subscription say so on it.
function followEnd(world: World, schedule: StoredSchedule): void {
  const subscription = subscriptionOf(world, schedule);
  if (!subscription || schedule.status !== 'active') return;
  const last = schedule.phases.at(-1);
  const isLast = last !== undefined && schedule.current_phase?.start_date === last.start_date;
  const end = schedule.end_behavior === 'cancel' && isLast ? last.end_date : null;
  if (subscription.cancel_at === end) return;
  update(world, 'customer.subscription.updated', subscription, (changed) => setEnd(world, changed, end));
  planAhead(world, subscription);
}

function setEnd(world: World, subscription: StoredSubscription, at: number | null): void {
  subscription.cancel_at_period_end = false;
  subscription.cancel_at = at;
  subscription.canceled_at = at === null ? null : world.clock.now;
}

function close(world: World, schedule: StoredSchedule, as: 'canceled' | 'completed'): void {
  world.agenda.cancel(`phase:${schedule.id}`);
  update(world, `subscription_schedule.${as}`, schedule, (changed) => {
    changed.status = as;
    changed.current_phase = null;
    if (as === 'canceled') changed.canceled_at = world.clock.now;
    else changed.completed_at = world.clock.now;
  });
}

function subscriptionOf(world: World, schedule: StoredSchedule): StoredSubscription | undefined {
  return schedule.subscription ? world.tables.subscriptions.get(schedule.subscription) : undefined;
}

function phaseAt(schedule: StoredSchedule, now: number): Stripe.SubscriptionSchedule.CurrentPhase | null {
  const phase = schedule.phases.find(({ start_date: start, end_date: end }) => start <= now && now < end);
  return phase ? { start_date: phase.start_date, end_date: phase.end_date } : null;
}

/** When a phase ends that lasts so long; Unix seconds. */
export function phaseEnd(
  start: number,
  duration: { interval: Stripe.Price.Recurring.Interval; interval_count: number },
): number {
  return addInterval(start, duration.interval, duration.interval_count);
}

function phaseOf(draft: PhaseDraft): Phase {
  return {
    add_invoice_items: [],
    application_fee_percent: null,
    billing_cycle_anchor: draft.anchor,
    billing_thresholds: null,
    collection_method: null,
    currency: draft.items[0]?.price.currency ?? 'eur',
    default_payment_method: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    end_date: draft.end,
    invoice_settings: null,
    items: draft.items.map(({ price, quantity }) => ({
      billing_thresholds: null,
      discounts: [],
      metadata: {},
      plan: price.id,
      price: price.id,
      quantity,
      tax_rates: [],
    })),
    metadata: draft.metadata,
    on_behalf_of: null,
    proration_behavior: draft.proration,
    start_date: draft.start,
    transfer_data: null,
    trial_end: draft.trialEnd,
  };
}

function newSchedule(
  world: World,
  customer: string,
  plan: { phases: PhaseDraft[]; endBehavior: 'release' | 'cancel' },
): StoredSchedule {
  return world.tables.schedules.insert({
    id: `sub_sched_1${world.ids.text(23)}`,
    object: 'subscription_schedule',
    application: null,
    billing_mode: { type: 'classic', flexible: null },
    canceled_at: null,
    completed_at: null,
    created: world.clock.now,
    current_phase: null,
    customer,
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      billing_cycle_anchor: 'automatic',
      billing_thresholds: null,
      collection_method: 'charge_automatically',
      default_payment_method: null,
      description: null,
      invoice_settings: {
        account_tax_ids: null,
        custom_fields: null,
        days_until_due: null,
        description: null,
        footer: null,
        issuer: { type: 'self' },
      },
      on_behalf_of: null,
      transfer_data: null,
    },
    end_behavior: plan.endBehavior,
    livemode: false,
    metadata: {},
    pause_schedules: [],
    phases: plan.phases.map((draft) => phaseOf(draft)),
    released_at: null,
    released_subscription: null,
    status: 'not_started',
    subscription: null,
    test_clock: null,
  });
}
