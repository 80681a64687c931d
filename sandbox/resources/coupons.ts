import type Stripe from 'stripe';
import { z } from 'zod';
import { emit } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { currency, decimal, flag, ignored, metadata, paging, text, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredPromotionCode } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findCustomer, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const createCoupon = z.strictObject({
  id: text.optional(),
  amount_off: whole.optional(),
  currency: currency.optional(),
  duration: z.enum(['forever', 'once', 'repeating']).optional(),
  duration_in_months: whole.optional(),
  max_redemptions: whole.optional(),
  metadata: metadata.optional(),
  name: text.optional(),
  percent_off: decimal.optional(),
  redeem_by: whole.optional(),
});

const createPromotionCode = z.strictObject({
  promotion: z.strictObject({ type: z.literal('coupon'), coupon: text }),
  active: flag.optional(),
  code: text.optional(),
  customer: text.optional(),
  expires_at: whole.optional(),
  max_redemptions: whole.optional(),
  metadata: metadata.optional(),
  restrictions: ignored.optional(),
});

export const couponRoutes: Route[] = [
  route('POST', '/v1/coupons', createCoupon, (params, { world }) => newCoupon(world, params)),
  route('GET', '/v1/coupons', z.strictObject(paging), (params, { world }) =>
    pageOf('/v1/coupons', world.tables.coupons.newest(), params),
  ),
  route('GET', '/v1/coupons/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.coupons.get(id), 'coupon', id),
  ),
  route('POST', '/v1/promotion_codes', createPromotionCode, (params, { world }) =>
    newPromotionCode(world, params),
  ),
  route(
    'GET',
    '/v1/promotion_codes',
    z.strictObject({ ...paging, code: text.optional(), active: flag.optional() }),
    (params, { world }) =>
      pageOf(
        '/v1/promotion_codes',
        where(
          world.tables.promotionCodes.newest(),
          (each) =>
            (params.code === undefined || each.code.toLowerCase() === params.code.toLowerCase()) &&
            (params.active === undefined || each.active === params.active),
        ),
        params,
      ),
  ),
  route('GET', '/v1/promotion_codes/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.promotionCodes.get(id), 'promotion code', id),
  ),
];

function newCoupon(world: World, given: z.output<typeof createCoupon>): Stripe.Coupon {
  if ((given.amount_off === undefined) === (given.percent_off === undefined)) {
    throw ApiError.invalid('You must pass exactly one of percent_off or amount_off.', 'percent_off');
  }
  if (given.amount_off !== undefined && !given.currency) {
    throw ApiError.invalid('You must pass currency when passing amount_off', 'currency', 'parameter_missing');
  }
  const coupon: Stripe.Coupon = {
    id: given.id ?? world.ids.text(8),
    object: 'coupon',
    amount_off: given.amount_off ?? null,
    created: world.clock.now,
    currency: given.currency ?? null,
    duration: given.duration ?? 'once',
    duration_in_months: given.duration_in_months ?? null,
    livemode: false,
    max_redemptions: given.max_redemptions ?? null,
    metadata: mergeMetadata({}, given.metadata),
    name: given.name ?? null,
    percent_off: given.percent_off ?? null,
    redeem_by: given.redeem_by ?? null,
    times_redeemed: 0,
    valid: true,
  };
  world.tables.coupons.insert(coupon);
  emit(world, 'coupon.created', coupon);
  return coupon;
}

function newPromotionCode(world: World, given: z.output<typeof createPromotionCode>): StoredPromotionCode {
  const coupon = found(
    world.tables.coupons.get(given.promotion.coupon),
    'coupon',
    given.promotion.coupon,
    'promotion[coupon]',
  );
  const promotion: StoredPromotionCode = {
    id: `promo_1${world.ids.text(23)}`,
    object: 'promotion_code',
    active: given.active ?? true,
    code: given.code ?? world.ids.text(8).toUpperCase(),
    created: world.clock.now,
    customer: given.customer ? findCustomer(world, given.customer, 'customer').id : null,
    customer_account: null,
    expires_at: given.expires_at ?? null,
    livemode: false,
    max_redemptions: given.max_redemptions ?? null,
    metadata: mergeMetadata({}, given.metadata),
    promotion: { coupon: coupon.id, type: 'coupon' },
    restrictions: { first_time_transaction: false, minimum_amount: null, minimum_amount_currency: null },
    times_redeemed: 0,
  };
  world.tables.promotionCodes.insert(promotion);
  emit(world, 'promotion_code.created', promotion);
  return promotion;
}
