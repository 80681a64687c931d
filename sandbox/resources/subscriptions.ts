import { z } from 'zod';
import { cancelSubscription, isOver } from '../billing/canceling.ts';
import { changeItems, chargeDraft, endTrialNow, type ItemChange, moveTrialEnd } from '../billing/changing.ts';
import { grantDiscount, readDiscount } from '../billing/discounts.ts';
import { attach, paymentMethodNamed } from '../billing/payment-methods.ts';
import { planAhead } from '../billing/renewing.ts';
import { creditUnusedTime, pauseSubscription, resumePaused } from '../billing/resuming.ts';
import { subscribe } from '../billing/subscribing.ts';
import { currentPeriod, DEFAULT_TRIAL_SETTINGS } from '../billing/subscription-object.ts';
import { pauseCollection, resumeCollection, setCancelAt, setCancelAtPeriodEnd } from '../billing/updating.ts';
import { DAY } from '../config.ts';
import { update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { flag, ignored, isWithin, metadata, paging, text, times, unsettable, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { refuseOtherCurrency } from './currencies.ts';
import { findCustomer, findPrice, findSubscription } from './find.ts';
import { mergeMetadata } from './metadata.ts';

/** In seconds. */
const LONGEST_TRIAL = 730 * DAY;

const discounts = z
  .array(z.strictObject({ coupon: text.optional(), promotion_code: text.optional() }))
  .max(1);
const trialSettings = z.strictObject({
  end_behavior: z.strictObject({ missing_payment_method: z.enum(['cancel', 'create_invoice', 'pause']) }),
});
const cancellationDetails = z.strictObject({
  comment: unsettable(text).optional(),
  feedback: unsettable(
    z.enum([
      'customer_service',
      'low_quality',
      'missing_features',
      'other',
      'switched_service',
      'too_complex',
      'too_expensive',
      'unused',
    ]),
  ).optional(),
  feedback_option: unsettable(text).optional(),
});
const common = {
  automatic_tax: z.strictObject({ enabled: flag, liability: ignored.optional() }).optional(),
  collection_method: ignored.optional(),
  default_payment_method: unsettable(text).optional(),
  description: unsettable(text).optional(),
  metadata: metadata.optional(),
  off_session: ignored.optional(),
  payment_settings: ignored.optional(),
  proration_behavior: z.enum(['create_prorations', 'always_invoice', 'none']).optional(),
  trial_settings: trialSettings.optional(),
};
const create = z.strictObject({
  ...common,
  customer: text,
  items: z.array(z.strictObject({ price: text, quantity: whole.optional() })).min(1),
  billing_mode: z
    .strictObject({ type: z.enum(['classic', 'flexible']), flexible: ignored.optional() })
    .optional(),
  cancel_at: whole.optional(),
  cancel_at_period_end: flag.optional(),
  currency: ignored.optional(),
  discounts: discounts.optional(),
  payment_behavior: z.enum(['allow_incomplete', 'default_incomplete', 'error_if_incomplete']).optional(),
  trial_end: z.union([z.literal('now'), whole]).optional(),
  trial_period_days: whole.optional(),
});
const change = z.strictObject({
  ...common,
  cancel_at: unsettable(
    z.union([z.enum(['min_period_end', 'max_period_end', 'max_billed_until']), whole]),
  ).optional(),
  cancel_at_period_end: flag.optional(),
  cancellation_details: cancellationDetails.optional(),
  discounts: discounts.optional(),
  items: z
    .array(
      z.strictObject({
        id: text.optional(),
        price: text.optional(),
        quantity: whole.optional(),
        deleted: flag.optional(),
      }),
    )
    .optional(),
  pause_collection: unsettable(
    z.strictObject({
      behavior: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']),
      resumes_at: whole.optional(),
    }),
  ).optional(),
  payment_behavior: z.enum(['allow_incomplete', 'default_incomplete', 'error_if_incomplete']).optional(),
  proration_date: ignored.optional(),
  trial_end: z.union([z.literal('now'), whole]).optional(),
});

export const subscriptionRoutes: Route[] = [
  route('POST', '/v1/subscriptions', create, (params, { world }) => createSubscription(world, params)),
  route(
    'GET',
    '/v1/subscriptions',
    z.strictObject({
      ...paging,
      created: times.optional(),
      current_period_end: times.optional(),
      current_period_start: times.optional(),
      customer: text.optional(),
      price: text.optional(),
      status: text.optional(),
      collection_method: ignored.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/subscriptions',
        where(
          world.tables.subscriptions.newest(),
          (each) =>
            hasStatus(each, params.status) &&
            isWithin(each.created, params.created) &&
            each.items.data.some((item) => isWithin(item.current_period_end, params.current_period_end)) &&
            each.items.data.some((item) =>
              isWithin(item.current_period_start, params.current_period_start),
            ) &&
            (params.customer === undefined || each.customer === params.customer) &&
            (params.price === undefined || each.items.data.some((item) => item.price.id === params.price)),
        ),
        params,
      ),
  ),
  route('GET', '/v1/subscriptions/:id', z.strictObject({}), (_params, { world, id }) =>
    findSubscription(world, id),
  ),
  route('POST', '/v1/subscriptions/:id', change, (params, { world, id }) =>
    changeSubscription(world, id, params),
  ),
  route(
    'DELETE',
    '/v1/subscriptions/:id',
    z.strictObject({
      invoice_now: flag.optional(),
      prorate: flag.optional(),
      cancellation_details: cancellationDetails.optional(),
    }),
    (params, { world, id }) => {
      const subscription = findSubscription(world, id);
      // Stripe forgets ended subscriptions as far as canceling goes.
      if (isOver(subscription)) throw ApiError.noSuch('subscription', id);
      sayWhy(subscription, params.cancellation_details);
      cancelSubscription(world, subscription, 'cancellation_requested', {
        invoiceNow: params.invoice_now ?? false,
        prorate: params.prorate ?? false,
      });
      return subscription;
    },
  ),
  route(
    'POST',
    '/v1/subscriptions/:id/resume',
    z.strictObject({
      billing_cycle_anchor: z.strictObject({ type: z.enum(['now', 'unchanged']) }).optional(),
      payment_behavior: z.enum(['resume_on_payment_attempt', 'resume_on_payment_success']).optional(),
      proration_behavior: ignored.optional(),
      proration_date: ignored.optional(),
    }),
    (params, { world, id }) => {
      const subscription = findSubscription(world, id);
      if (subscription.status !== 'paused') {
        throw ApiError.invalid('This subscription is not paused, so it cannot be resumed.');
      }
      if (world.tables.resumptions.has(id)) {
        throw ApiError.invalid(
          'This subscription is being resumed already: its latest invoice waits for payment.',
        );
      }
      resumePaused(world, subscription, {
        anchor: params.billing_cycle_anchor?.type ?? 'now',
        behavior: params.payment_behavior ?? 'resume_on_payment_attempt',
      });
      return subscription;
    },
  ),
  route(
    'POST',
    '/v1/subscriptions/:id/pause',
    z.strictObject({
      bill_for: z
        .strictObject({
          outstanding_usage_through: ignored.optional(),
          unused_time_from: z
            .strictObject({ type: z.enum(['now', 'none', 'item_current_period_start']) })
            .optional(),
        })
        .optional(),
      invoicing_behavior: z.enum(['pending_invoice_item']).optional(),
      type: z.enum(['subscription']).optional(),
    }),
    (params, { world, id }) => {
      const subscription = findSubscription(world, id);
      if (subscription.schedule) {
        throw ApiError.invalid('You cannot pause a subscription that is attached to a schedule.');
      }
      if (subscription.status !== 'active' && subscription.status !== 'trialing') {
        throw ApiError.invalid(`You cannot pause a subscription that is ${subscription.status}.`);
      }
      if ((params.bill_for?.unused_time_from?.type ?? 'now') !== 'none' && subscription.status === 'active') {
        creditUnusedTime(world, subscription);
      }
      pauseSubscription(world, subscription, 'pause_requested');
      return subscription;
    },
  ),
];

function createSubscription(world: World, params: z.output<typeof create>): StoredSubscription {
  const customer = findCustomer(world, params.customer, 'customer');
  const method = params.default_payment_method
    ? paymentMethodNamed(world, params.default_payment_method, 'default_payment_method')
    : null;
  const trialEnd =
    typeof params.trial_end === 'number' ? params.trial_end : trialFromDays(world, params.trial_period_days);
  const hasMethod = method !== null || customer.invoice_settings.default_payment_method !== null;
  const behavior = params.payment_behavior ?? 'allow_incomplete';
  if (!hasMethod && trialEnd === null && behavior === 'allow_incomplete') {
    throw ApiError.invalid(
      'This customer has no attached payment source or default payment method. Please consider adding a default payment method.',
      undefined,
      'resource_missing',
    );
  }
  const items = params.items.map(({ price, quantity }, index) => ({
    price: findPrice(world, price, `items[${index}][price]`),
    quantity: quantity ?? 1,
  }));
  const [sold] = items;
  if (sold) refuseOtherCurrency(world, customer.id, sold.price.currency);
  const discount = readDiscount(world, params.discounts?.[0]);
  // From here on nothing is refused, so a refusal leaves nothing half done.
  if (method) attach(world, method, customer.id);
  const subscription = subscribe(
    world,
    {
      customer: customer.id,
      items,
      metadata: mergeMetadata({}, params.metadata),
      description: params.description ?? null,
      billingMode: params.billing_mode?.type ?? world.config.billing.billingMode,
      trialEnd,
      trialSettings: params.trial_settings
        ? readTrialSettings(params.trial_settings)
        : DEFAULT_TRIAL_SETTINGS,
      taxed: params.automatic_tax?.enabled ?? false,
      defaultPaymentMethod: method?.id ?? null,
    },
    discount,
    behavior,
  );
  if (params.cancel_at_period_end) setCancelAtPeriodEnd(world, subscription, true);
  if (params.cancel_at !== undefined) setCancelAt(world, subscription, params.cancel_at);
  planAhead(world, subscription);
  return subscription;
}

function changeSubscription(world: World, id: string, params: z.output<typeof change>): StoredSubscription {
  const subscription = findSubscription(world, id);
  if (isOver(subscription)) refuseEnded(params);
  if (subscription.schedule && changesItsEnd(params)) {
    throw ApiError.invalid(
      `The subscription is managed by the subscription schedule \`${subscription.schedule}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`,
    );
  }
  const changes = (params.items ?? []).map((given, index) => readItem(world, subscription, given, index));
  if (params.cancel_at !== undefined && params.cancel_at_period_end !== undefined) {
    throw ApiError.invalid(
      'You may only specify one of these parameters: cancel_at, cancel_at_period_end.',
      'cancel_at',
    );
  }
  if (typeof params.trial_end === 'number') refuseTrialEnd(world, subscription, params.trial_end);
  const method = params.default_payment_method
    ? paymentMethodNamed(world, params.default_payment_method, 'default_payment_method')
    : null;
  const discount = readDiscount(world, params.discounts?.[0]);
  // From here on nothing is refused, so a refusal leaves nothing half done.
  const drafts: StoredInvoice[] = [];
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    changed.metadata = mergeMetadata(changed.metadata, params.metadata);
    if (params.description !== undefined) changed.description = params.description;
    if (params.default_payment_method !== undefined) changed.default_payment_method = method?.id ?? null;
    if (method) attach(world, method, changed.customer);
    if (params.trial_settings) changed.trial_settings = readTrialSettings(params.trial_settings);
    if (params.automatic_tax) {
      changed.automatic_tax.enabled = params.automatic_tax.enabled;
      if (params.automatic_tax.enabled) changed.automatic_tax.disabled_reason = null;
    }
    if (params.pause_collection === null) resumeCollection(world, changed);
    else if (params.pause_collection) {
      pauseCollection(
        world,
        changed,
        params.pause_collection.behavior,
        params.pause_collection.resumes_at ?? null,
      );
    }
    if (discount) grantDiscount(world, changed, discount, null);
    if (changes.length > 0) {
      drafts.push(
        ...asList(changeItems(world, changed, changes, params.proration_behavior ?? 'create_prorations')),
      );
    }
    if (params.trial_end === 'now' && changed.status === 'trialing')
      drafts.push(...asList(endTrialNow(world, changed)));
    else if (typeof params.trial_end === 'number') {
      const behavior = params.proration_behavior ?? 'create_prorations';
      drafts.push(...asList(moveTrialEnd(world, changed, params.trial_end, behavior)));
    }
    if (params.cancel_at_period_end !== undefined)
      setCancelAtPeriodEnd(world, changed, params.cancel_at_period_end);
    if (params.cancel_at !== undefined) setCancelAt(world, changed, momentOf(changed, params.cancel_at));
    sayWhy(changed, params.cancellation_details);
  });
  for (const draft of drafts) chargeDraft(world, draft);
  planAhead(world, subscription);
  return subscription;
}

function refuseTrialEnd(world: World, { status }: StoredSubscription, end: number): void {
  if (status !== 'trialing' && status !== 'active' && status !== 'past_due') {
    throw ApiError.invalid(`A subscription that is ${status} cannot be given a trial.`, 'trial_end');
  }
  if (end <= world.clock.now) {
    throw ApiError.invalid(
      'Invalid timestamp: must be an integer Unix timestamp in the future.',
      'trial_end',
    );
  }
  if (end > world.clock.now + LONGEST_TRIAL) {
    throw ApiError.invalid('The maximum number of trial period days is 730 (2 years).', 'trial_end');
  }
}

function changesItsEnd(params: z.output<typeof change>): boolean {
  return params.cancel_at !== undefined || params.cancel_at_period_end !== undefined;
}

function momentOf(
  subscription: StoredSubscription,
  at: NonNullable<z.output<typeof change>['cancel_at']> | null,
): number | null {
  return typeof at === 'string' ? currentPeriod(subscription).end : at;
}

function sayWhy(
  subscription: StoredSubscription,
  said: z.output<typeof cancellationDetails> | undefined,
): void {
  const details = subscription.cancellation_details;
  if (!said || !details) return;
  if (said.comment !== undefined) details.comment = said.comment;
  if (said.feedback !== undefined) details.feedback = said.feedback;
  if (said.feedback_option !== undefined) details.feedback_option = said.feedback_option;
}

function readItem(
  world: World,
  subscription: StoredSubscription,
  given: {
    id?: string | undefined;
    price?: string | undefined;
    quantity?: number | undefined;
    deleted?: boolean | undefined;
  },
  index: number,
): ItemChange {
  const item = given.id ? subscription.items.data.find((each) => each.id === given.id) : null;
  if (item === undefined)
    throw ApiError.noSuch('subscription item', given.id ?? '', `items[${index}][id]`, 400);
  return {
    item,
    price: given.price ? findPrice(world, given.price, `items[${index}][price]`) : null,
    quantity: given.quantity ?? null,
    deleted: given.deleted ?? false,
  };
}

function refuseEnded(params: z.output<typeof change>): void {
  const allowed = new Set(['metadata', 'cancellation_details']);
  if (Object.keys(params).every((key) => allowed.has(key))) return;
  throw ApiError.invalid('A canceled subscription can only update its cancellation_details and metadata.');
}

function readTrialSettings(
  given: z.output<typeof trialSettings>,
): NonNullable<StoredSubscription['trial_settings']> {
  return { end_behavior: { billing_cycle_anchor: null, ...given.end_behavior } };
}

function trialFromDays(world: World, days: number | undefined): number | null {
  return days ? world.clock.now + days * DAY : null;
}

// Without a status Stripe lists everything that has not been canceled.
function hasStatus(subscription: StoredSubscription, status: string | undefined): boolean {
  if (status === 'all') return true;
  if (status === undefined) return subscription.status !== 'canceled';
  if (status === 'ended') return isOver(subscription);
  return subscription.status === status;
}

function asList<T>(value: T | null): T[] {
  return value === null ? [] : [value];
}
