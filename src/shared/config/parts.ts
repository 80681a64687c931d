import { z } from 'zod';
import { flag, httpUrl, list, rotatingSecret, wholeNumber } from './fields.ts';

/** `LOG_LEVEL`, and whether lines are for people: `LOG_PRETTY`, or `NODE_ENV=development`; in production never. */
export const logging = z
  .object({
    LOG_PRETTY: flag(false),
    NODE_ENV: z.string().optional(),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'must be a pino level')
      .default('info'),
  })
  .transform((env) => ({
    level: env.LOG_LEVEL,
    pretty: env.NODE_ENV !== 'production' && (env.LOG_PRETTY || env.NODE_ENV === 'development'),
  }));

/**
 * `DB_*`. `DB_TIMEZONE` is accepted because the old deployment sets it, and ignored: zone-less columns hold UTC
 * whatever a session's zone is.
 */
export const database = z
  .object({
    DB_HOST: z.string(),
    DB_PORT: wholeNumber(5432, 1, 65_535),
    DB_USER: z.string(),
    DB_PASSWORD: z.string().default(''),
    DB_NAME: z.string(),
    DB_SSLMODE: z
      .enum(
        ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
        'must be a libpq sslmode (disable, require, verify-full, …)',
      )
      .default('disable'),
    DB_TIMEZONE: z.string().optional(),
    // Migrating takes two connections: one holds the lock, the other does the work.
    DB_POOL_MAX: wholeNumber(10, 2, 200),
  })
  .transform((env) => ({
    host: env.DB_HOST,
    port: env.DB_PORT,
    user: env.DB_USER,
    password: env.DB_PASSWORD,
    name: env.DB_NAME,
    sslMode: env.DB_SSLMODE,
    /** Most connections one process holds. */
    poolMax: env.DB_POOL_MAX,
  }));

/** The key, prices and API address: what every process that calls Stripe needs. */
export const stripe = z
  .object({
    STRIPE_SECRET_KEY: z
      .string()
      .regex(/^(sk|rk)_(test|live)_\S+$/, 'must be a Stripe secret key (sk_… or rk_…)'),
    STRIPE_API_BASE: httpUrl().optional(),
    STRIPE_PRICE_MENSUEL: z.string().startsWith('price_', 'must be a Stripe price id (price_…)'),
    STRIPE_PRICE_ANNUEL: z.string().startsWith('price_', 'must be a Stripe price id (price_…)'),
    STRIPE_TIMEOUT_MS: wholeNumber(15_000, 100, 120_000),
    STRIPE_READS_PER_SECOND: wholeNumber(10, 1, 100),
  })
  .transform((env) => ({
    secretKey: env.STRIPE_SECRET_KEY,
    /** Whether the key, and so every event we accept as ours, is of live mode. */
    livemode: /^(sk|rk)_live_/.test(env.STRIPE_SECRET_KEY),
    apiBase: env.STRIPE_API_BASE,
    timeoutMs: env.STRIPE_TIMEOUT_MS,
    /** Most calls a second that reconciling, backfilling and drift checks make. */
    readsPerSecond: env.STRIPE_READS_PER_SECOND,
    prices: { mensuel: env.STRIPE_PRICE_MENSUEL, annuel: env.STRIPE_PRICE_ANNUEL },
  }));

/** `STRIPE_WEBHOOK_SECRET`: several, comma-separated, while one is being rotated. */
export const webhook = z
  .object({
    STRIPE_WEBHOOK_SECRET: list().refine(
      (secrets) => secrets.length > 0 && secrets.every((secret) => /^whsec_\S{8,}$/.test(secret)),
      'must be one or more whsec_… secrets, comma-separated',
    ),
  })
  .transform((env) => ({ secrets: env.STRIPE_WEBHOOK_SECRET }));

/** How long premium lasts beyond what is paid, and what taking the money back does to it. */
export const premium = z
  .object({
    PREMIUM_GRACE_DAYS: wholeNumber(3, 0, 60),
    PREMIUM_PROCESSING_DAYS: wholeNumber(14, 0, 25),
    PREMIUM_ON_REFUND: z.enum(['keep', 'end'], 'must be keep or end').default('keep'),
    PREMIUM_ON_DISPUTE: z.enum(['keep', 'suspend'], 'must be keep or suspend').default('keep'),
  })
  .transform((env) => ({
    graceDays: env.PREMIUM_GRACE_DAYS,
    /** How long premium goes on at most while a renewal is under way: bank debits take two weeks. */
    processingDays: env.PREMIUM_PROCESSING_DAYS,
    /** Whether a full refund of the payment for the running period ends premium. */
    onRefund: env.PREMIUM_ON_REFUND,
    /** Whether premium stops while that payment is disputed, and for good when the dispute is lost. */
    onDispute: env.PREMIUM_ON_DISPUTE,
  }));

/** `INTERNAL_API_KEY` where a process cannot do without it: several, comma-separated, while it is being rotated. */
export const internalKey = z
  .object({ INTERNAL_API_KEY: rotatingSecret(8) })
  .transform((env) => env.INTERNAL_API_KEY);

/** `JWT_SECRET`: the key of the HS256 login tokens; several, comma-separated, while it is being rotated. */
export const jwt = z
  .object({ JWT_SECRET: rotatingSecret(16) })
  .transform((env) => ({ secrets: env.JWT_SECRET.accepted }));

/** `TRUSTED_PROXY_HOPS`: how many proxies stand before us, of whose `X-Forwarded-For` we believe that many entries. */
export const trustedProxies = z
  .object({ TRUSTED_PROXY_HOPS: wholeNumber(0, 0, 10) })
  .transform((env) => ({ hops: env.TRUSTED_PROXY_HOPS }));

/** `ALLOWED_ORIGINS`: browsers' origins for CORS and for return URLs. */
export const origins = z.object({ ALLOWED_ORIGINS: list().default([]) }).transform((env, context) => {
  const wrong = env.ALLOWED_ORIGINS.filter((origin) => !isOrigin(origin));
  if (wrong.length > 0) {
    context.addIssue({
      code: 'custom',
      path: ['ALLOWED_ORIGINS'],
      message: 'must be origins such as https://app.example, comma-separated, without a path or *',
    });
    return z.NEVER;
  }
  return env.ALLOWED_ORIGINS;
});

function isOrigin(text: string): boolean {
  if (!URL.canParse(text) || text.includes('*')) return false;
  const { origin, protocol } = new URL(text);
  return /^https?:$/.test(protocol) && origin === text;
}

/** Where the worker's notifications go. */
export const gatewayTarget = z
  .object({ GATEWAY_URL: httpUrl() })
  .transform((env) => ({ url: env.GATEWAY_URL }));

/** `AUTO_MIGRATE`: whether a process brings the database up to date when it starts. */
export const autoMigrate = z.object({ AUTO_MIGRATE: flag(false) }).transform((env) => env.AUTO_MIGRATE);
