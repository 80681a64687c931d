import Stripe from 'stripe';
import { HttpError } from '../../shared/errors.ts';
import { isTemporaryAtStripe } from '../../shared/stripe/index.ts';

export { isMissingAtStripe, isRefusedByStripe } from '../../shared/stripe/index.ts';

const {
  StripeAuthenticationError,
  StripeCardError,
  StripeError,
  StripeIdempotencyError,
  StripeInvalidRequestError,
  StripePermissionError,
} = Stripe.errors;

/**
 * What a client is told when Stripe fails or refuses us; never Stripe's own words, which name ids and parts of keys.
 * A refusal is an answer that will be the same tomorrow, so each that can be foreseen says what to do instead.
 */
export function explainStripeError(thrown: unknown): HttpError | undefined {
  if (!(thrown instanceof StripeError)) return undefined;
  if (isTemporaryAtStripe(thrown)) {
    return HttpError.unavailable(
      'stripe_unavailable',
      'The payment provider does not answer at the moment: try again in a few seconds',
      10,
      thrown,
    );
  }
  return (
    explainRefusal(thrown) ?? refused('stripe_rejected', 'The payment provider refused this request', thrown)
  );
}

function explainRefusal(thrown: InstanceType<typeof StripeError>): HttpError | undefined {
  // By its own word: the SDK takes every 402 for one.
  if (thrown instanceof StripeCardError && thrown.rawType === 'card_error') {
    return new HttpError(
      402,
      'payment_failed',
      'The payment was refused: choose another means of payment in the billing portal, then try again',
      { cause: thrown },
    );
  }
  if (thrown instanceof StripeAuthenticationError) {
    return refused(
      'stripe_key_refused',
      'The payment provider refuses our key: set STRIPE_SECRET_KEY to a valid one and restart',
      thrown,
    );
  }
  if (thrown instanceof StripePermissionError) {
    return refused(
      'stripe_key_refused',
      'Our key may not do this: give it the permission that the log names, in the provider’s dashboard',
      thrown,
    );
  }
  if (thrown instanceof StripeIdempotencyError) {
    return HttpError.conflict(
      'request_conflict',
      'The same request was made with other values a moment ago: look at what it did before trying again',
    );
  }
  if (thrown instanceof StripeInvalidRequestError) return explainInvalid(thrown);
  return undefined;
}

/** By parameter and code where Stripe gives them; its words only where it gives nothing else. */
function explainInvalid(thrown: InstanceType<typeof StripeInvalidRequestError>): HttpError | undefined {
  const param = thrown.param ?? '';
  // A price that was deleted, archived, or belongs to the other mode; or its product.
  if (
    /^line_items\b/.test(param) ||
    /\b(?:price|product)\b.*\b(?:inactive|not active)\b/i.test(thrown.message)
  ) {
    return refused(
      'plan_unavailable',
      'This plan is not for sale: STRIPE_PRICE_MENSUEL and STRIPE_PRICE_ANNUEL have to name active prices of this mode',
      thrown,
    );
  }
  if (/portal/i.test(thrown.message) && /configuration/i.test(thrown.message)) {
    return refused(
      'portal_not_configured',
      'The billing portal is not set up: save its settings once in the provider’s dashboard',
      thrown,
    );
  }
  if (
    CHECKOUT_SETTINGS.test(param) ||
    thrown.code === 'customer_tax_location_invalid' ||
    TAX.test(thrown.message)
  ) {
    return refused(
      'checkout_misconfigured',
      'The provider refuses how our payment page is set up: compare the CHECKOUT_ settings with its dashboard (tax, codes, terms)',
      thrown,
    );
  }
  return undefined;
}

const CHECKOUT_SETTINGS =
  /^(?:automatic_tax|customer_update|allow_promotion_codes|discounts|consent_collection|success_url|cancel_url|subscription_data)\b/;
const TAX = /automatic tax/i;

/** A refusal that only an operator can do something about. */
function refused(code: string, message: string, cause: Error): HttpError {
  return new HttpError(502, code, message, { cause });
}
