import Stripe from 'stripe';

const {
  StripeAPIError,
  StripeConnectionError,
  StripeError,
  StripeInvalidRequestError,
  StripeRateLimitError,
} = Stripe.errors;

/** Two writes to one object at once: safe to repeat (docs.stripe.com/rate-limits). */
const IN_THE_WAY: readonly (string | undefined)[] = ['lock_timeout', 'idempotency_key_in_use'];

/** Whether the same request may be answered otherwise in a moment: Stripe is away, limits us, or is busy with it. */
export function isTemporaryAtStripe(thrown: unknown): boolean {
  if (!(thrown instanceof StripeError)) return false;
  return (
    thrown instanceof StripeConnectionError ||
    thrown instanceof StripeRateLimitError ||
    thrown instanceof StripeAPIError ||
    (thrown.statusCode ?? 0) >= 500 ||
    IN_THE_WAY.includes(thrown.code)
  );
}

/** Whether Stripe refuses to do this to an object in its present state: asked again, it will refuse again. */
export function isRefusedByStripe(thrown: unknown): boolean {
  return thrown instanceof StripeInvalidRequestError && !isTemporaryAtStripe(thrown);
}

/** Stripe gives these refusals no code, only words; the words are those of many public bug reports. */
const SCHEDULE = /managed by the subscription schedule\W+(sub_sched_\w+)/;
const CURRENCIES = /cannot combine currencies on a single customer/i;

/** The schedule that stands in the way of changing how its subscription ends. */
export function scheduleInTheWay(thrown: unknown): string | null {
  if (!isRefusedByStripe(thrown)) return null;
  return SCHEDULE.exec((thrown as Error).message)?.[1] ?? null;
}

/** Whether a customer cannot buy in this currency, because something of theirs runs in another one. */
export function isOtherCurrency(thrown: unknown): boolean {
  return isRefusedByStripe(thrown) && CURRENCIES.test((thrown as Error).message);
}

/** Whether an e-mail address is none that Stripe takes. */
export function isEmailRefused(thrown: unknown): boolean {
  if (!(thrown instanceof StripeInvalidRequestError)) return false;
  return thrown.code === 'email_invalid' || thrown.param === 'email';
}
