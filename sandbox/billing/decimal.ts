import Stripe from 'stripe';

/** Stripe's decimal of an integer amount; in JSON it is a string. */
export function decimalOf(value: number): Stripe.Decimal {
  return Stripe.Decimal.from(value);
}
