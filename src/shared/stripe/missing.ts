import Stripe from 'stripe';

/** Whether Stripe says that an object does not exist under our key: it never did, or it is of another mode or account. */
export function isMissingAtStripe(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeInvalidRequestError && thrown.code === 'resource_missing';
}
