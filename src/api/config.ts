import { z } from 'zod';
import {
  autoMigrate,
  database,
  type Environment,
  flag,
  jwt,
  logging,
  monitoring,
  origins,
  readConfig,
  redis,
  redisSafety,
  rotatingSecret,
  stripe,
  tracing,
  trustedProxies,
  webhook,
  wholeNumber,
} from '../shared/config/index.ts';
import { board } from './board/config.ts';
import { rateLimits } from './limits/config.ts';

/** `PAIEMENTS_SERVICE_PORT` (0 takes any free port) and `PAIEMENTS_SERVICE_HOST`. */
const listening = z
  .object({
    PAIEMENTS_SERVICE_PORT: wholeNumber(8085, 0, 65_535),
    PAIEMENTS_SERVICE_HOST: z.string().default('0.0.0.0'),
  })
  .transform((env) => ({ port: env.PAIEMENTS_SERVICE_PORT, host: env.PAIEMENTS_SERVICE_HOST }));

/** `INTERNAL_API_KEY`, without which the admin routes answer 503 instead of being open. */
const adminKeys = z
  .object({ INTERNAL_API_KEY: rotatingSecret(8).optional() })
  .transform((env) => env.INTERNAL_API_KEY?.accepted ?? []);

/** `DB_STATEMENT_TIMEOUT_MS`: how long web waits for one statement, so that a database that hangs is a 503 and not silence. */
const statements = z
  .object({ DB_STATEMENT_TIMEOUT_MS: wholeNumber(10_000, 100, 600_000) })
  .transform((env) => ({ timeoutMs: env.DB_STATEMENT_TIMEOUT_MS }));

const pageUrl = () => z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

/** `WEB_CORS`: whether web itself tells browsers which origins may read its answers; behind a gateway, that does. */
const cors = z.object({ WEB_CORS: flag(false) }).transform((env) => env.WEB_CORS);

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
      cors,
      checkout,
      adminKeys,
      autoMigrate,
      statements,
      trustedProxies,
      rateLimits,
      board,
      monitoring,
      tracing,
      redisSafety,
    },
    environment,
  );
}

export type WebConfig = ReturnType<typeof readWebConfig>;
