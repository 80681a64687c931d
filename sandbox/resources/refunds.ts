import { z } from 'zod';
import { refundCharge } from '../billing/refunding.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { ignored, isWithin, metadata, paging, text, times, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredCharge } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findCharge, findIntent, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const create = z.strictObject({
  amount: whole.optional(),
  charge: text.optional(),
  instructions_email: ignored.optional(),
  metadata: metadata.optional(),
  payment_intent: text.optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
});

export const refundRoutes: Route[] = [
  route('POST', '/v1/refunds', create, (params, { world }) =>
    refundCharge(world, chargeOf(world, params), { ...params, metadata: mergeMetadata({}, params.metadata) }),
  ),
  route(
    'GET',
    '/v1/refunds',
    z.strictObject({
      ...paging,
      charge: text.optional(),
      created: times.optional(),
      payment_intent: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/refunds',
        where(
          world.tables.refunds.newest(),
          (refund) =>
            isWithin(refund.created, params.created) &&
            (params.charge === undefined || refund.charge === params.charge) &&
            (params.payment_intent === undefined || refund.payment_intent === params.payment_intent),
        ),
        params,
      ),
  ),
  route('GET', '/v1/refunds/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.refunds.get(id), 'refund', id),
  ),
];

function chargeOf(world: World, params: z.output<typeof create>): StoredCharge {
  if (params.charge) return findCharge(world, params.charge, 'charge');
  if (!params.payment_intent) {
    throw ApiError.invalid(
      'One of the following params should be provided for this request: payment_intent or charge.',
      undefined,
      'parameter_missing',
    );
  }
  const intent = findIntent(world, params.payment_intent, 'payment_intent');
  if (!intent.latest_charge) {
    throw ApiError.invalid(
      `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
      'payment_intent',
    );
  }
  return world.tables.charges.must(intent.latest_charge);
}
