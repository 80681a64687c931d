import { randomBytes } from 'node:crypto';

/** The newest API version this sandbox renders; the same one the installed SDK pins. */
export const NEWEST_VERSION = '2026-10-28.endive';

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** How the billing engine behaves. All durations are in seconds of the sandbox clock. */
export interface BillingSettings {
  /** Time between a renewal's draft invoice and its finalisation. Stripe takes about an hour. */
  finalizationDelaySeconds: number;
  /** Waits between failed attempts of a renewal, first retry first. */
  retryAfterSeconds: number[];
  /** What becomes of a subscription when the last retry fails. */
  afterLastRetry: 'canceled' | 'unpaid' | 'past_due';
  /** How long before a renewal `invoice.upcoming` is sent; 0 sends none. */
  upcomingBeforeSeconds: number;
  /** How long before the end of a trial `customer.subscription.trial_will_end` is sent. */
  trialWillEndBeforeSeconds: number;
  /** How long an `incomplete` subscription waits for its first payment. */
  incompleteExpiresAfterSeconds: number;
  /** How long a delayed payment (SEPA) stays `processing`. */
  delayedPaymentSeconds: number;
  /** Whether a first debit that fails is told by `invoice.payment_failed` too, before its invoice is voided. */
  announcesFirstDebitFailure: boolean;
  /** Percentage used when `automatic_tax` is on. */
  taxPercent: number;
  /** Stripe was seen doing both: a first snapshot that is `incomplete`, and one that is already `active`. */
  checkoutSubscriptionStartsAs: 'incomplete' | 'active';
  /** The billing mode of subscriptions that do not ask for one. */
  billingMode: 'flexible' | 'classic';
}

/** How events reach webhook endpoints. All durations are in milliseconds of real time. */
export interface DeliverySettings {
  concurrency: number;
  timeoutMs: number;
  /** Wait before the second attempt; doubles after every failure. */
  retryBaseMs: number;
  retryMaxMs: number;
  maxAttempts: number;
  /** How long Checkout waits for the endpoints to take `checkout.session.completed` before it redirects. */
  checkoutWaitMs: number;
}

/** A webhook endpoint that exists from the start. */
export interface EndpointSettings {
  url: string;
  secret?: string;
  /** The version of the payloads; the account's version when absent. */
  apiVersion?: string;
  enabledEvents?: string[];
}

export interface SandboxOptions {
  host?: string;
  /** 0 takes any free port. */
  port?: number;
  /** Base of the hosted pages' addresses when browsers reach the sandbox by another name than host:port. */
  publicUrl?: string;
  /** The account's default API version: endpoints without a version and `GET /v1/events` use it. */
  apiVersion?: string;
  /**
   * What payloads of versions before basil hold. Stripe renders old versions today with the fields that were added
   * since (`as_today`); payloads rendered back then have only the old ones (`as_then`, the default, and the harder to read).
   */
  oldShapes?: 'as_then' | 'as_today';
  /** Unix seconds; real now when absent. */
  startAt?: number;
  /** A frozen clock only moves by `advance`; otherwise it runs with real time. */
  frozen?: boolean;
  /** Makes ids and shuffles repeatable. */
  seed?: number;
  webhook?: EndpointSettings;
  /** Ids to give to the two Matcha prices (9.99 EUR a month, 99.99 EUR a year). */
  prices?: { mensuel?: string; annuel?: string };
  billing?: Partial<BillingSettings>;
  deliveries?: Partial<DeliverySettings>;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | null;
  readonly apiVersion: string;
  readonly oldShapes: 'as_then' | 'as_today';
  readonly startAt: number | null;
  readonly frozen: boolean;
  readonly seed: number | null;
  readonly webhook: EndpointSettings | null;
  readonly prices: { mensuel?: string; annuel?: string };
  readonly billing: BillingSettings;
  readonly deliveries: DeliverySettings;
}

/** Fills in every default; the result is complete. */
export function resolveConfig(options: SandboxOptions): Config {
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    publicUrl: options.publicUrl?.replace(/\/$/, '') ?? null,
    apiVersion: options.apiVersion ?? NEWEST_VERSION,
    oldShapes: options.oldShapes ?? 'as_then',
    startAt: options.startAt ?? null,
    frozen: options.frozen ?? false,
    seed: options.seed ?? null,
    webhook: options.webhook ?? null,
    prices: options.prices ?? {},
    billing: {
      finalizationDelaySeconds: HOUR,
      retryAfterSeconds: [3 * DAY, 5 * DAY, 7 * DAY],
      afterLastRetry: 'canceled',
      upcomingBeforeSeconds: 7 * DAY,
      trialWillEndBeforeSeconds: 3 * DAY,
      incompleteExpiresAfterSeconds: 23 * HOUR,
      delayedPaymentSeconds: 3 * DAY,
      announcesFirstDebitFailure: true,
      taxPercent: 20,
      checkoutSubscriptionStartsAs: 'incomplete',
      billingMode: 'flexible',
      ...options.billing,
    },
    deliveries: {
      concurrency: 8,
      timeoutMs: 10_000,
      retryBaseMs: 1_000,
      retryMaxMs: 60_000,
      maxAttempts: 10,
      checkoutWaitMs: 10_000,
      ...options.deliveries,
    },
  };
}

/** Reads the options of the stand-alone process from its environment. */
export function optionsFromEnvironment(env: NodeJS.ProcessEnv): SandboxOptions {
  return {
    host: env.SANDBOX_HOST || '127.0.0.1',
    port: portFrom(env.SANDBOX_PORT),
    publicUrl: env.SANDBOX_PUBLIC_URL || undefined,
    webhook: env.SANDBOX_WEBHOOK_URL
      ? {
          url: env.SANDBOX_WEBHOOK_URL,
          secret: env.SANDBOX_WEBHOOK_SECRET || newWebhookSecret(),
          apiVersion: env.SANDBOX_API_VERSION || undefined,
        }
      : undefined,
    seed: env.SANDBOX_SEED ? Number(env.SANDBOX_SEED) : undefined,
    prices: {
      mensuel: env.STRIPE_PRICE_MENSUEL || undefined,
      annuel: env.STRIPE_PRICE_ANNUEL || undefined,
    },
  };
}

/** A signing secret of Stripe's form. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('hex')}`;
}

function portFrom(value: string | undefined): number {
  if (!value) return 12111;
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`SANDBOX_PORT must be a port number, not '${value}'`);
  }
  return port;
}
