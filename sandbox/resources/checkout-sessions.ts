import { z } from 'zod';
import { expireSession, showTotals } from '../billing/checkout.ts';
import { type DiscountChoice, readDiscount } from '../billing/discounts.ts';
import { DEFAULT_TRIAL_SETTINGS } from '../billing/subscription-object.ts';
import { DAY, MINUTE } from '../config.ts';
import { ApiError } from '../http/errors.ts';
import { sessionLineItems } from '../http/expand.ts';
import { listOf, pageOf, where } from '../http/lists.ts';
import { flag, ignored, isWithin, metadata, paging, text, times, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { SessionPlan, StoredSession } from '../state/tables.ts';
import type { World } from '../world.ts';
import { refuseOtherCurrency } from './currencies.ts';
import { findCustomer, findPrice, findSession } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const create = z.strictObject({
  mode: z.enum(['payment', 'setup', 'subscription']),
  line_items: z
    .array(
      z.strictObject({
        price: text,
        quantity: whole.optional(),
        adjustable_quantity: ignored.optional(),
        tax_rates: ignored.optional(),
      }),
    )
    .optional(),
  success_url: z.url({ error: 'Not a valid URL' }).max(5000),
  cancel_url: z.url({ error: 'Not a valid URL' }).max(5000).optional(),
  customer: text.optional(),
  customer_email: z
    .string()
    .regex(/^[^\s@]+@[^\s@]+$/, 'Invalid email address')
    .optional(),
  client_reference_id: z.string().max(200).optional(),
  metadata: metadata.optional(),
  expires_at: whole.optional(),
  allow_promotion_codes: flag.optional(),
  discounts: z
    .array(z.strictObject({ coupon: text.optional(), promotion_code: text.optional() }))
    .max(1)
    .optional(),
  automatic_tax: z.strictObject({ enabled: flag, liability: ignored.optional() }).optional(),
  customer_update: z
    .strictObject({
      address: z.enum(['auto', 'never']).optional(),
      name: z.enum(['auto', 'never']).optional(),
      shipping: z.enum(['auto', 'never']).optional(),
    })
    .optional(),
  payment_method_collection: z.enum(['always', 'if_required']).optional(),
  subscription_data: z
    .strictObject({
      metadata: metadata.optional(),
      description: text.optional(),
      invoice_settings: ignored.optional(),
      trial_period_days: whole.optional(),
      trial_end: whole.optional(),
      trial_settings: z
        .strictObject({
          end_behavior: z.strictObject({
            missing_payment_method: z.enum(['cancel', 'create_invoice', 'pause']),
          }),
        })
        .optional(),
      billing_mode: z
        .strictObject({ type: z.enum(['classic', 'flexible']), flexible: ignored.optional() })
        .optional(),
    })
    .optional(),
  adaptive_pricing: ignored.optional(),
  after_expiration: ignored.optional(),
  allowed_payment_method_types: ignored.optional(),
  billing_address_collection: ignored.optional(),
  branding_settings: ignored.optional(),
  consent_collection: ignored.optional(),
  currency: ignored.optional(),
  custom_fields: ignored.optional(),
  custom_text: ignored.optional(),
  excluded_payment_method_types: ignored.optional(),
  integration_identifier: ignored.optional(),
  locale: ignored.optional(),
  managed_payments: ignored.optional(),
  name_collection: ignored.optional(),
  origin_context: ignored.optional(),
  shipping_address_collection: ignored.optional(),
  wallet_options: ignored.optional(),
  payment_method_options: ignored.optional(),
  payment_method_types: ignored.optional(),
  phone_number_collection: ignored.optional(),
  saved_payment_method_options: ignored.optional(),
  submit_type: ignored.optional(),
  tax_id_collection: ignored.optional(),
  ui_mode: z.enum(['hosted', 'hosted_page']).optional(),
});
type CreateParams = z.output<typeof create>;

export const checkoutSessionRoutes: Route[] = [
  route('POST', '/v1/checkout/sessions', create, (params, { world }) => createSession(world, params)),
  route(
    'GET',
    '/v1/checkout/sessions',
    z.strictObject({
      ...paging,
      created: times.optional(),
      customer: text.optional(),
      customer_details: z.strictObject({ email: text }).optional(),
      payment_intent: text.optional(),
      status: z.enum(['open', 'complete', 'expired']).optional(),
      subscription: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/checkout/sessions',
        where(
          world.tables.sessions.newest(),
          (session) =>
            isWithin(session.created, params.created) &&
            (params.customer === undefined || session.customer === params.customer) &&
            (params.customer_details === undefined ||
              session.customer_details?.email === params.customer_details.email) &&
            (params.payment_intent === undefined || session.payment_intent === params.payment_intent) &&
            (params.status === undefined || session.status === params.status) &&
            (params.subscription === undefined || session.subscription === params.subscription),
        ),
        params,
      ),
  ),
  route('GET', '/v1/checkout/sessions/:id', z.strictObject({}), (_params, { world, id }) =>
    findSession(world, id),
  ),
  route('GET', '/v1/checkout/sessions/:id/line_items', z.strictObject(paging), (_params, { world, id }) =>
    listOf(`/v1/checkout/sessions/${id}/line_items`, sessionLineItems(world, findSession(world, id).id)),
  ),
  route('POST', '/v1/checkout/sessions/:id/expire', z.strictObject({}), (_params, { world, id }) => {
    const session = findSession(world, id);
    if (session.status !== 'open') {
      throw ApiError.invalid(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
      );
    }
    expireSession(world, session);
    return session;
  }),
];

function createSession(world: World, params: CreateParams): StoredSession {
  refuseCombinations(world, params);
  const plan = readPlan(world, params);
  const [sold] = plan.items;
  if (params.customer && sold) refuseOtherCurrency(world, params.customer, sold.price.currency);
  const id = world.ids.next('cs_test');
  const now = world.clock.now;
  const session: StoredSession = {
    id,
    object: 'checkout.session',
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allow_promotion_codes: params.allow_promotion_codes ?? null,
    allowed_payment_method_types: null,
    amount_subtotal: null,
    amount_total: null,
    automatic_tax: {
      enabled: plan.taxed,
      liability: plan.taxed ? { type: 'self' } : null,
      provider: plan.taxed ? 'stripe' : null,
      status: plan.taxed ? 'requires_location_inputs' : null,
    },
    billing_address_collection: null,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: now,
    currency: plan.items[0]?.price.currency ?? null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: params.customer ?? null,
    customer_account: null,
    customer_creation: params.customer ? null : 'always',
    customer_details: params.customer_email
      ? {
          address: null,
          business_name: null,
          email: params.customer_email,
          individual_name: null,
          name: null,
          phone: null,
          tax_exempt: 'none',
          tax_ids: null,
        }
      : null,
    customer_email: params.customer_email ?? null,
    discounts: [],
    expires_at: params.expires_at ?? now + DAY,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: null,
    managed_payments: null,
    metadata: mergeMetadata({}, params.metadata),
    mode: 'subscription',
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: params.payment_method_collection ?? 'always',
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card', 'sepa_debit'],
    payment_status: 'unpaid',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: null,
    subscription: null,
    success_url: params.success_url,
    total_details: null,
    ui_mode: 'hosted_page',
    url: `${world.baseUrl}/c/pay/${id}`,
    wallet_options: null,
  };
  showTotals(world, session, plan);
  world.tables.sessionPlans.set(id, plan);
  world.tables.sessions.insert(session);
  world.agenda.set(`expire:${id}`, session.expires_at, () => expireSession(world, session));
  return session;
}

function readPlan(world: World, params: CreateParams): SessionPlan {
  const data = params.subscription_data;
  const missing = data?.trial_settings?.end_behavior.missing_payment_method;
  const discount: DiscountChoice | null = readDiscount(world, params.discounts?.[0]);
  return {
    items: (params.line_items ?? []).map(({ price, quantity }, index) => {
      const param = `line_items[${index}][price]`;
      const found = findPrice(world, price, param);
      if (!found.active) throw ApiError.invalid(`The price specified is inactive: ${price}.`, param);
      if (!found.recurring) {
        throw ApiError.invalid(
          'You must provide at least one recurring price in `subscription` mode when using prices.',
          param,
        );
      }
      return { price: found, quantity: quantity ?? 1 };
    }),
    subscriptionMetadata: mergeMetadata({}, data?.metadata),
    subscriptionDescription: data?.description ?? null,
    trialSeconds: data?.trial_period_days === undefined ? null : data.trial_period_days * DAY,
    trialEnd: data?.trial_end ?? null,
    trialSettings: missing
      ? { end_behavior: { billing_cycle_anchor: null, missing_payment_method: missing } }
      : DEFAULT_TRIAL_SETTINGS,
    billingMode: data?.billing_mode?.type ?? world.config.billing.billingMode,
    taxed: params.automatic_tax?.enabled ?? false,
    discount,
    customer: null,
    paymentIntent: null,
    email: null,
    lastError: null,
  };
}

function refuseCombinations(world: World, params: CreateParams): void {
  if (params.mode !== 'subscription') {
    throw ApiError.invalid(
      `The sandbox only knows Checkout Sessions in subscription mode, not '${params.mode}'.`,
      'mode',
    );
  }
  if (!params.line_items?.length) {
    throw ApiError.invalid('Missing required param: line_items.', 'line_items', 'parameter_missing');
  }
  if (params.customer && params.customer_email) {
    throw ApiError.invalid(
      'You may only specify one of these parameters: customer, customer_email.',
      'customer_email',
    );
  }
  if (params.discounts?.length && params.allow_promotion_codes !== undefined) {
    throw ApiError.invalid(
      'You may only specify one of these parameters: allow_promotion_codes, discounts.',
      'allow_promotion_codes',
    );
  }
  if (params.customer_update && !params.customer) {
    throw ApiError.invalid('`customer_update` can only be used with `customer`.', 'customer_update');
  }
  if (params.subscription_data?.trial_end && params.subscription_data.trial_period_days) {
    throw ApiError.invalid(
      'You may only specify one of these parameters: trial_end, trial_period_days.',
      'subscription_data',
    );
  }
  if ((params.subscription_data?.trial_period_days ?? 1) < 1) {
    throw ApiError.invalid(
      'The minimum number of trial period days is 1.',
      'subscription_data[trial_period_days]',
    );
  }
  const expiresIn = (params.expires_at ?? world.clock.now + DAY) - world.clock.now;
  // Some slack, as Stripe allows for the time a request takes.
  if (expiresIn < 30 * MINUTE - 10 || expiresIn > DAY + 10) {
    throw ApiError.invalid(
      'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.',
      'expires_at',
    );
  }
  if (!params.customer) return;
  const customer = findCustomer(world, params.customer, 'customer');
  const updates = params.customer_update?.address === 'auto';
  if (params.automatic_tax?.enabled && !customer.address?.country && !updates) {
    throw ApiError.invalid(
      "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' to save the address entered in Checkout to the Customer.",
      'automatic_tax',
      'customer_tax_location_invalid',
    );
  }
}
