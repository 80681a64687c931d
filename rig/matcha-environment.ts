import { randomBytes } from 'node:crypto';

/** Where everything of one installation is. */
export type Addresses = {
  readonly webPort: number;
  readonly gatewayPort: number;
  readonly sandboxPort: number;
  /** `DB_*`. */
  readonly database: Readonly<Record<string, string>>;
  readonly redisUrl: string;
  /** The origin browsers use; Stripe's pages send them back to it. */
  readonly origin: string;
};

/** What the processes of one installation share and nobody else knows. */
export type Secrets = {
  readonly internalKey: string;
  readonly jwtSecret: string;
  readonly stripeKey: string;
  readonly webhookSecret: string;
};

/** The sandbox's prices. Any id will do as long as everyone uses the same. */
export const PRICES = { mensuel: 'price_matcha_mensuel', annuel: 'price_matcha_annuel' } as const;

/** New random secrets. */
export function createSecrets(): Secrets {
  return {
    internalKey: random(),
    jwtSecret: random(),
    stripeKey: `sk_test_${random()}`,
    webhookSecret: `whsec_${random()}`,
  };
}

function random(): string {
  return randomBytes(24).toString('hex');
}

/** The environment of web, worker and gateway: one for all, as in production. */
export function serviceEnvironment(addresses: Addresses, secrets: Secrets): Record<string, string> {
  const { webPort, gatewayPort, sandboxPort, database, redisUrl, origin } = addresses;
  return {
    NODE_ENV: 'production',
    LOG_LEVEL: 'info',
    ...database,
    REDIS_URL: redisUrl,
    AUTO_MIGRATE: 'false',
    STRIPE_SECRET_KEY: secrets.stripeKey,
    STRIPE_WEBHOOK_SECRET: secrets.webhookSecret,
    STRIPE_API_BASE: local(sandboxPort),
    STRIPE_PRICE_MENSUEL: PRICES.mensuel,
    STRIPE_PRICE_ANNUEL: PRICES.annuel,
    STRIPE_SUCCESS_URL: `${origin}/?checkout=success&session_id={CHECKOUT_SESSION_ID}`,
    STRIPE_CANCEL_URL: `${origin}/?checkout=cancel`,
    PAIEMENTS_SERVICE_PORT: String(webPort),
    PAIEMENTS_SERVICE_HOST: '127.0.0.1',
    // The gateway.
    TRUSTED_PROXY_HOPS: '1',
    PAIEMENTS_SERVICE_URL: local(webPort),
    GATEWAY_URL: local(gatewayPort),
    GATEWAY_PORT: String(gatewayPort),
    GATEWAY_HOST: '127.0.0.1',
    INTERNAL_API_KEY: secrets.internalKey,
    JWT_SECRET: secrets.jwtSecret,
    ALLOWED_ORIGINS: origin,
  };
}

/** The environment of the Stripe sandbox. Its webhooks take the way they take in production: through the gateway. */
export function sandboxEnvironment(addresses: Addresses, secrets: Secrets): Record<string, string> {
  return {
    SANDBOX_HOST: '127.0.0.1',
    SANDBOX_PORT: String(addresses.sandboxPort),
    SANDBOX_WEBHOOK_URL: `${local(addresses.gatewayPort)}/api/stripe/webhook`,
    SANDBOX_WEBHOOK_SECRET: secrets.webhookSecret,
    STRIPE_PRICE_MENSUEL: PRICES.mensuel,
    STRIPE_PRICE_ANNUEL: PRICES.annuel,
  };
}

/** The URL of something that listens on this machine. */
export function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}
