import type Stripe from 'stripe';

/** Splits a coupon's discount over line amounts (minor units); negative lines are left alone. */
export function discountPerLine(amounts: number[], coupon: Stripe.Coupon): number[] {
  if (coupon.percent_off !== null) {
    const percent = coupon.percent_off;
    return amounts.map((amount) => (amount > 0 ? Math.round((amount * percent) / 100) : 0));
  }
  let left = coupon.amount_off ?? 0;
  return amounts.map((amount) => {
    const off = Math.max(0, Math.min(left, amount));
    left -= off;
    return off;
  });
}

export interface TaxPart {
  /** Minor units. */
  amount: number;
  taxable: number;
  behavior: 'inclusive' | 'exclusive';
}

/** The tax on an amount (minor units). */
export function taxOn(amount: number, percent: number, behavior: TaxPart['behavior']): TaxPart {
  if (behavior === 'exclusive')
    return { amount: Math.round((amount * percent) / 100), taxable: amount, behavior };
  const tax = Math.round((amount * percent) / (100 + percent));
  return { amount: tax, taxable: amount - tax, behavior };
}

/** Prices that do not say follow Stripe's "automatic" setting: exclusive in dollars, inclusive elsewhere. */
export function taxBehaviorOf(price: Stripe.Price): TaxPart['behavior'] {
  if (price.tax_behavior === 'exclusive') return 'exclusive';
  if (price.tax_behavior === 'inclusive') return 'inclusive';
  return price.currency === 'usd' || price.currency === 'cad' ? 'exclusive' : 'inclusive';
}
