import { z } from 'zod';
import { httpUrl, wholeNumber } from '../../shared/config/index.ts';

const calls = (fallback: number) => wholeNumber(fallback, 0, 1_000_000);

/**
 * `RATE_LIMIT_*`: calls a minute, 0 for no limit. The defaults are far above what a person does, and below what makes
 * Stripe limit the whole account.
 */
export const rateLimits = z
  .object({
    RATE_LIMIT_CHECKOUT: calls(30),
    RATE_LIMIT_GUEST_CHECKOUT: calls(60),
    RATE_LIMIT_ALL_GUESTS: calls(200),
    RATE_LIMIT_CANCEL: calls(30),
    RATE_LIMIT_PORTAL: calls(30),
    RATE_LIMIT_RETURN: calls(120),
  })
  .transform((env) => ({
    /** Purchases a user begins, by either route. */
    checkout: env.RATE_LIMIT_CHECKOUT,
    /** Purchases that begin without a login, by address. */
    guestCheckout: env.RATE_LIMIT_GUEST_CHECKOUT,
    /** Those of all addresses together. */
    allGuests: env.RATE_LIMIT_ALL_GUESTS,
    cancel: env.RATE_LIMIT_CANCEL,
    portal: env.RATE_LIMIT_PORTAL,
    /** Look-ups of a checkout session by the page that Checkout returns to; it asks again until the event is there. */
    return: env.RATE_LIMIT_RETURN,
  }));

/** `STRIPE_CALLS_PER_SECOND`: most calls to Stripe that all web processes make together; 0 for no limit. */
export const stripeBudget = z
  .object({ STRIPE_CALLS_PER_SECOND: wholeNumber(60, 0, 10_000) })
  .transform((env) => ({ callsPerSecond: env.STRIPE_CALLS_PER_SECOND }));

/** `GUEST_CHALLENGE_*`: who says whether a guest solved a challenge; without it there is none. */
export const guestChallenge = z
  .object({ GUEST_CHALLENGE_URL: httpUrl().optional(), GUEST_CHALLENGE_SECRET: z.string().optional() })
  .transform(({ GUEST_CHALLENGE_URL: url, GUEST_CHALLENGE_SECRET: secret }, context) => {
    if (url === undefined && secret === undefined) return undefined;
    if (url !== undefined && secret !== undefined) return { url, secret };
    const missing = url === undefined ? 'GUEST_CHALLENGE_URL' : 'GUEST_CHALLENGE_SECRET';
    context.addIssue({ code: 'custom', path: [missing], message: 'is missing' });
    return z.NEVER;
  });
