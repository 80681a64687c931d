import type Stripe from 'stripe';
import { emit } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import type { StoredDiscount, StoredPromotionCode, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { addInterval } from './period.ts';

export interface DiscountChoice {
  coupon: string;
  promotionCode: string | null;
}

/** Grants a coupon to a subscription. */
export function grantDiscount(
  world: World,
  subscription: StoredSubscription,
  choice: DiscountChoice,
  session: string | null,
): StoredDiscount {
  const coupon = world.tables.coupons.must(choice.coupon);
  const discount: StoredDiscount = {
    id: `di_1${world.ids.text(23)}`,
    object: 'discount',
    checkout_session: session,
    customer: subscription.customer,
    customer_account: null,
    end: endOf(coupon, world.clock.now),
    invoice: null,
    invoice_item: null,
    promotion_code: choice.promotionCode,
    source: { coupon: coupon.id, type: 'coupon' },
    start: world.clock.now,
    subscription: subscription.id,
    subscription_item: null,
  };
  coupon.times_redeemed += 1;
  const promotion = choice.promotionCode ? world.tables.promotionCodes.get(choice.promotionCode) : null;
  if (promotion) promotion.times_redeemed += 1;
  world.tables.discounts.insert(discount);
  subscription.discounts.push(discount.id);
  emit(world, 'customer.discount.created', discount);
  return discount;
}

/** The coupons that still apply to a subscription's next invoice. */
export function activeDiscounts(
  world: World,
  subscription: Pick<StoredSubscription, 'discounts'>,
): StoredDiscount[] {
  return subscription.discounts
    .map((id) => world.tables.discounts.must(id))
    .filter((discount) => discount.end === null || discount.end > world.clock.now);
}

/** A coupon for one invoice is spent by the first invoice it was on. */
export function spendDiscounts(world: World, subscription: StoredSubscription): void {
  subscription.discounts = subscription.discounts.filter((id) => {
    const discount = world.tables.discounts.must(id);
    const coupon = world.tables.coupons.must(discount.source.coupon);
    const spent = coupon.duration === 'once' || (discount.end !== null && discount.end <= world.clock.now);
    if (spent) emit(world, 'customer.discount.deleted', discount);
    return !spent;
  });
}

/** The promotion code a customer typed, if it can be used now. */
export function findPromotionCode(world: World, code: string): StoredPromotionCode | undefined {
  const found = world.tables.promotionCodes.find(
    (each) => each.active && each.code.toLowerCase() === code.trim().toLowerCase(),
  );
  if (!found) return undefined;
  const coupon = world.tables.coupons.get(found.promotion.coupon);
  const expired = found.expires_at !== null && found.expires_at <= world.clock.now;
  const usedUp = found.max_redemptions !== null && found.times_redeemed >= found.max_redemptions;
  return expired || usedUp || !coupon || !isRedeemable(world, coupon) ? undefined : found;
}

/** Reads `discounts[]` of a request. */
export function readDiscount(
  world: World,
  given: { coupon?: string | undefined; promotion_code?: string | undefined } | undefined,
): DiscountChoice | null {
  if (!given) return null;
  if (given.promotion_code) {
    const promotion = world.tables.promotionCodes.get(given.promotion_code);
    if (!promotion)
      throw ApiError.noSuch('promotion code', given.promotion_code, 'discounts[0][promotion_code]', 400);
    return { coupon: promotion.promotion.coupon, promotionCode: promotion.id };
  }
  if (!given.coupon) return null;
  const coupon = world.tables.coupons.get(given.coupon);
  if (!coupon) throw ApiError.noSuch('coupon', given.coupon, 'discounts[0][coupon]', 400);
  if (!isRedeemable(world, coupon))
    throw ApiError.invalid(`Coupon expired: ${coupon.id}`, 'coupon', 'coupon_expired');
  return { coupon: coupon.id, promotionCode: null };
}

function isRedeemable(world: World, coupon: Stripe.Coupon): boolean {
  const expired = coupon.redeem_by !== null && coupon.redeem_by <= world.clock.now;
  const usedUp = coupon.max_redemptions !== null && coupon.times_redeemed >= coupon.max_redemptions;
  return coupon.valid && !expired && !usedUp;
}

function endOf(coupon: Stripe.Coupon, now: number): number | null {
  if (coupon.duration !== 'repeating') return null;
  return addInterval(now, 'month', coupon.duration_in_months ?? 1);
}
