import { z } from 'zod';
import { wholeNumber } from '../../shared/config/index.ts';

const calls = (fallback: number) => wholeNumber(fallback, 0, 1_000_000);

/**
 * `RATE_LIMIT_*`: calls a minute, 0 for no limit. The defaults are far above what a person does, and below what makes
 * Stripe limit the whole account.
 */
export const rateLimits = z
  .object({
    RATE_LIMIT_CHECKOUT: calls(30),
    RATE_LIMIT_GUEST_CHECKOUT: calls(60),
    RATE_LIMIT_CANCEL: calls(30),
    RATE_LIMIT_PORTAL: calls(30),
    RATE_LIMIT_RETURN: calls(120),
  })
  .transform((env) => ({
    /** Purchases a user begins, by either route. */
    checkout: env.RATE_LIMIT_CHECKOUT,
    /** Purchases that begin without a login, by address. */
    guestCheckout: env.RATE_LIMIT_GUEST_CHECKOUT,
    cancel: env.RATE_LIMIT_CANCEL,
    portal: env.RATE_LIMIT_PORTAL,
    /** Look-ups of a checkout session by the page that Checkout returns to; it asks again until the event is there. */
    return: env.RATE_LIMIT_RETURN,
  }));
