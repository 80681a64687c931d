import type Stripe from 'stripe';
import { listOf } from '../http/lists.ts';
import type { StoredPrice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancellation } from './canceling.ts';
import { decimalOf } from './decimal.ts';
import { type Period, periodFrom } from './period.ts';

export interface SubscriptionOptions {
  customer: string;
  items: { price: StoredPrice; quantity: number }[];
  metadata: Stripe.Metadata;
  description: string | null;
  billingMode: 'flexible' | 'classic';
  /** Unix seconds. */
  trialEnd: number | null;
  trialSettings: Stripe.Subscription.TrialSettings;
  taxed: boolean;
  defaultPaymentMethod: string | null;
}

/** How a trial ends when there is no payment method, unless told otherwise. */
export const DEFAULT_TRIAL_SETTINGS: Stripe.Subscription.TrialSettings = {
  end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' },
};

/** A subscription that begins now, stored but not announced. */
export function newSubscription(world: World, options: SubscriptionOptions): StoredSubscription {
  const now = world.clock.now;
  const id = `sub_1${world.ids.text(23)}`;
  const trialing = options.trialEnd !== null && options.trialEnd > now;
  const anchor = trialing && options.trialEnd !== null ? options.trialEnd : now;
  const items = options.items.map(({ price, quantity }) => {
    const period = trialing ? { start: now, end: anchor } : periodFrom(anchor, now, recurringOf(price));
    return newItem(world, id, price, quantity, period);
  });
  const subscription: StoredSubscription = {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: {
      disabled_reason: null,
      enabled: options.taxed,
      liability: options.taxed ? { type: 'self' } : null,
    },
    billing_cycle_anchor: anchor,
    billing_cycle_anchor_config: null,
    billing_mode:
      options.billingMode === 'flexible'
        ? { type: 'flexible', flexible: { proration_discounts: 'included' }, updated_at: now }
        : { type: 'classic', flexible: null },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: cancellation(null),
    collection_method: 'charge_automatically',
    created: now,
    currency: options.items[0]?.price.currency ?? 'eur',
    customer: options.customer,
    customer_account: null,
    days_until_due: null,
    default_payment_method: options.defaultPaymentMethod,
    default_source: null,
    default_tax_rates: [],
    description: options.description,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: listOf(`/v1/subscription_items?subscription=${id}`, items),
    latest_invoice: null,
    livemode: false,
    managed_payments: null,
    metadata: options.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: 'off',
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: trialing ? 'trialing' : 'incomplete',
    test_clock: null,
    transfer_data: null,
    trial_end: trialing ? options.trialEnd : null,
    trial_settings: options.trialSettings,
    trial_start: trialing ? now : null,
  };
  return world.tables.subscriptions.insert(subscription);
}

export function newItem(
  world: World,
  subscription: string,
  price: StoredPrice,
  quantity: number,
  period: Period,
): Stripe.SubscriptionItem {
  return {
    id: world.ids.next('si'),
    object: 'subscription_item',
    billing_thresholds: null,
    created: world.clock.now,
    current_period_end: period.end,
    current_period_start: period.start,
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: planOf(price),
    price,
    quantity,
    subscription,
    tax_rates: [],
  };
}

/** The period that all items of a subscription share here. */
export function currentPeriod(subscription: StoredSubscription): Period {
  const { data } = subscription.items;
  return {
    start: Math.min(...data.map((item) => item.current_period_start)),
    end: Math.min(...data.map((item) => item.current_period_end)),
  };
}

export function setPeriod(subscription: StoredSubscription, period: Period): void {
  for (const item of subscription.items.data) {
    item.current_period_start = period.start;
    item.current_period_end = period.end;
  }
}

/** The rhythm of a subscription: that of its first item, as all items share one here. */
export function rhythmOf(subscription: StoredSubscription): Stripe.Price.Recurring {
  const [item] = subscription.items.data;
  if (!item) throw new Error(`${subscription.id} has no items`);
  return recurringOf(item.price);
}

export function recurringOf(price: Stripe.Price): Stripe.Price.Recurring {
  if (!price.recurring) throw new Error(`${price.id} is not a recurring price`);
  return price.recurring;
}

/** The older form of a price, which Stripe still sends along. */
export function planOf(price: StoredPrice): Stripe.Plan {
  const recurring = recurringOf(price);
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: decimalOf(price.unit_amount ?? 0),
    billing_scheme: 'per_unit',
    created: price.created,
    currency: price.currency,
    interval: recurring.interval,
    interval_count: recurring.interval_count,
    livemode: false,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  };
}
