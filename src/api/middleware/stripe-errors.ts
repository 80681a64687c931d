import Stripe from 'stripe';
import { HttpError } from '../../shared/errors.ts';

export { isMissingAtStripe } from '../../shared/stripe/index.ts';

const {
  StripeAPIError,
  StripeConnectionError,
  StripeError,
  StripeInvalidRequestError,
  StripeRateLimitError,
} = Stripe.errors;

/** What a client is told when Stripe fails us; never Stripe's own words, which name ids and parts of keys. */
export function explainStripeError(thrown: unknown): HttpError | undefined {
  if (!(thrown instanceof StripeError)) return undefined;
  const temporary =
    thrown instanceof StripeConnectionError ||
    thrown instanceof StripeRateLimitError ||
    thrown instanceof StripeAPIError ||
    (thrown.statusCode ?? 0) >= 500;
  if (temporary) {
    return HttpError.unavailable(
      'stripe_unavailable',
      'The payment provider does not answer at the moment: try again in a few seconds',
      10,
      thrown,
    );
  }
  return new HttpError(502, 'stripe_rejected', 'The payment provider refused this request', {
    cause: thrown,
  });
}

/** Whether Stripe refuses to do this to an object in its present state. */
export function isRefusedByStripe(thrown: unknown): boolean {
  return thrown instanceof StripeInvalidRequestError;
}
