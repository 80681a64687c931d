import { z } from 'zod';
import {
  autoMigrate,
  database,
  type Environment,
  flag,
  jwt,
  logging,
  origins,
  readConfig,
  redis,
  stripe,
  webhook,
  wholeNumber,
} from '../shared/config/index.ts';

/** `PAIEMENTS_SERVICE_PORT` (0 takes any free port) and `PAIEMENTS_SERVICE_HOST`. */
const listening = z
  .object({
    PAIEMENTS_SERVICE_PORT: wholeNumber(8085, 0, 65_535),
    PAIEMENTS_SERVICE_HOST: z.string().default('0.0.0.0'),
  })
  .transform((env) => ({ port: env.PAIEMENTS_SERVICE_PORT, host: env.PAIEMENTS_SERVICE_HOST }));

/** `INTERNAL_API_KEY`, without which the admin routes answer 503 instead of being open. */
const adminKey = z
  .object({ INTERNAL_API_KEY: z.string().min(8, 'must have at least 8 characters').optional() })
  .transform((env) => env.INTERNAL_API_KEY);

const pageUrl = () => z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

/** Where Checkout sends people afterwards, and what it offers them. */
const checkout = z
  .object({
    STRIPE_SUCCESS_URL: pageUrl(),
    STRIPE_CANCEL_URL: pageUrl(),
    CHECKOUT_ALLOW_PROMOTION_CODES: flag(false),
    CHECKOUT_AUTOMATIC_TAX: flag(false),
    CHECKOUT_TRIAL_DAYS: wholeNumber(0, 0, 730),
  })
  .transform((env) => ({
    successUrl: env.STRIPE_SUCCESS_URL,
    cancelUrl: env.STRIPE_CANCEL_URL,
    allowPromotionCodes: env.CHECKOUT_ALLOW_PROMOTION_CODES,
    automaticTax: env.CHECKOUT_AUTOMATIC_TAX,
    /** Free days of a user's first subscription; 0 for none. */
    trialDays: env.CHECKOUT_TRIAL_DAYS,
  }));

/**
 * Reads everything the web process uses.
 * @throws {import('../shared/errors.ts').ConfigError} naming every problem at once
 */
export function readWebConfig(environment: Environment) {
  return readConfig(
    {
      listening,
      logging,
      database,
      redis,
      stripe,
      webhook,
      jwt,
      origins,
      checkout,
      adminKey,
      autoMigrate,
    },
    environment,
  );
}

export type WebConfig = ReturnType<typeof readWebConfig>;
