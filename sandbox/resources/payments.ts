import { z } from 'zod';
import { cancelIntent, confirmIntent, createIntent } from '../billing/intents.ts';
import { attach, paymentMethodNamed } from '../billing/payment-methods.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { currency, flag, ignored, isWithin, metadata, paging, text, times, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { snapshot } from '../state/snapshot.ts';
import type { StoredPaymentIntent } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findCharge, findCustomer, findIntent, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const create = z.strictObject({
  amount: whole,
  currency,
  confirm: flag.optional(),
  customer: text.optional(),
  description: text.optional(),
  metadata: metadata.optional(),
  off_session: flag.optional(),
  payment_method: text.optional(),
  automatic_payment_methods: ignored.optional(),
  allowed_payment_method_types: ignored.optional(),
  payment_method_types: ignored.optional(),
  return_url: ignored.optional(),
});
const confirm = z.strictObject({
  payment_method: text.optional(),
  off_session: flag.optional(),
  return_url: ignored.optional(),
});

/** Payment intents, charges and payment methods. */
export const paymentRoutes: Route[] = [
  route('POST', '/v1/payment_intents', create, (params, { world }) => {
    if (params.amount < 1)
      throw ApiError.invalid(
        'This value must be greater than or equal to 1.',
        'amount',
        'parameter_invalid_integer',
      );
    const customer = params.customer ? findCustomer(world, params.customer, 'customer').id : null;
    const { amount, currency: code, description = null } = params;
    const intent = createIntent(world, {
      amount,
      currency: code,
      customer,
      description,
      metadata: mergeMetadata({}, params.metadata),
    });
    return params.confirm ? confirmWith(world, intent, params.payment_method, params.off_session) : intent;
  }),
  route(
    'GET',
    '/v1/payment_intents',
    z.strictObject({ ...paging, created: times.optional(), customer: text.optional() }),
    (params, { world }) =>
      pageOf(
        '/v1/payment_intents',
        where(
          world.tables.paymentIntents.newest(),
          (intent) =>
            isWithin(intent.created, params.created) &&
            (params.customer === undefined || intent.customer === params.customer),
        ),
        params,
      ),
  ),
  route(
    'GET',
    '/v1/payment_intents/:id',
    z.strictObject({ client_secret: ignored.optional() }),
    (_params, { world, id }) => findIntent(world, id),
  ),
  route('POST', '/v1/payment_intents/:id/confirm', confirm, (params, { world, id }) =>
    confirmWith(world, findIntent(world, id), params.payment_method, params.off_session),
  ),
  route(
    'POST',
    '/v1/payment_intents/:id/cancel',
    z.strictObject({ cancellation_reason: ignored.optional() }),
    (_params, { world, id }) => {
      const intent = findIntent(world, id);
      cancelIntent(world, intent, 'requested_by_customer');
      return intent;
    },
  ),
  route(
    'GET',
    '/v1/charges',
    z.strictObject({
      ...paging,
      created: times.optional(),
      customer: text.optional(),
      payment_intent: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/charges',
        where(
          world.tables.charges.newest(),
          (charge) =>
            isWithin(charge.created, params.created) &&
            (params.customer === undefined || charge.customer === params.customer) &&
            (params.payment_intent === undefined || charge.payment_intent === params.payment_intent),
        ),
        params,
      ),
  ),
  route('GET', '/v1/charges/:id', z.strictObject({}), (_params, { world, id }) => findCharge(world, id)),
  route('GET', '/v1/payment_methods/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.paymentMethods.get(id), 'PaymentMethod', id),
  ),
  route(
    'POST',
    '/v1/payment_methods/:id/attach',
    z.strictObject({ customer: text }),
    (params, { world, id }) => {
      const customer = findCustomer(world, params.customer, 'customer');
      const method = paymentMethodNamed(world, id, 'payment_method');
      attach(world, method, customer.id);
      return method;
    },
  ),
  route('GET', '/v1/setup_intents/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.setupIntents.get(id), 'setupintent', id),
  ),
  route('GET', '/v1/balance_transactions/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.balanceTransactions.get(id), 'balance transaction', id),
  ),
];

function confirmWith(
  world: World,
  intent: StoredPaymentIntent,
  methodId: string | undefined,
  offSession: boolean | undefined,
): StoredPaymentIntent {
  const id = methodId ?? intent.payment_method;
  if (!id)
    throw ApiError.invalid(
      "You cannot confirm this PaymentIntent because it's missing a payment method.",
      'payment_method',
      'payment_intent_unexpected_state',
    );
  const method = paymentMethodNamed(world, id, 'payment_method');
  const result = confirmIntent(world, intent, method, offSession ? 'absent' : 'present');
  const error = intent.last_payment_error;
  if (result === 'failed' && error) {
    throw ApiError.card(
      error.message ?? '',
      error.code ?? 'card_declined',
      error.decline_code,
      snapshot(intent),
    );
  }
  return intent;
}
