import Stripe from 'stripe';
import type { stripe as stripePart } from '../config/index.ts';
import { observedHttpClient } from './observed-http-client.ts';

export type StripeConfig = ReturnType<typeof stripePart.parse>;

/**
 * The one client of a process. Its API version is the SDK's own pin, so what is read has one shape; what webhooks
 * deliver has the endpoint's (see `facts`).
 * @param admit asked before each attempt at a request; what it throws is the `detail` of a `StripeConnectionError`
 */
export function createStripe(config: StripeConfig, admit?: () => Promise<void>): Stripe {
  return new Stripe(config.secretKey, {
    timeout: config.timeoutMs,
    // 409, 429 and 5xx; the SDK sends the same idempotency key again.
    maxNetworkRetries: 2,
    telemetry: false,
    httpClient: observedHttpClient(admit),
    appInfo: { name: 'matcha-paiements-service' },
    ...addressOf(config.apiBase),
  });
}

/** Where `STRIPE_API_BASE` points the SDK, for example at the sandbox. */
function addressOf(apiBase: string | undefined): Stripe.StripeConfig {
  if (apiBase === undefined) return {};
  const url = new URL(apiBase);
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return { protocol, host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443') };
}
