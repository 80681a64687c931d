import Stripe from 'stripe';
import { handledTypes } from '../events/registry.ts';

/** One thing that is wrong with how Stripe reaches us, and what to do about it. */
export type EndpointProblem = { code: EndpointProblemCode; message: string };

export type EndpointProblemCode =
  | 'no_endpoint'
  | 'disabled'
  | 'missing_events'
  | 'version_unpinned'
  | 'not_permitted';

/** Paths under which Stripe may reach the service through the gateway. */
const PATH = /\/api\/(v1\/)?stripe\/webhook\/?$/;

/**
 * Looks at our own webhook endpoint as Stripe has it: a disabled one, or one that does not get all the types that
 * are handled here, loses money silently.
 * @param url the endpoint's exact address, when it is configured; else the first one with our path
 */
export async function checkEndpoint(
  { stripe, livemode }: { stripe: Stripe; livemode: boolean },
  url?: string,
): Promise<EndpointProblem[]> {
  const data = await endpointsOf(stripe);
  if (data === null) {
    return [
      {
        code: 'not_permitted',
        message:
          'Our key may not read webhook endpoints, so nobody looks after ours: give it that permission',
      },
    ];
  }
  const ours = data.filter(
    (endpoint) => endpoint.livemode === livemode && (url ? endpoint.url === url : PATH.test(endpoint.url)),
  );
  const [endpoint] = ours.toSorted((a, b) => Number(b.status === 'enabled') - Number(a.status === 'enabled'));
  if (!endpoint) {
    return [
      {
        code: 'no_endpoint',
        message: `Stripe has no webhook endpoint ${url ?? 'that ends in /api/stripe/webhook'}: create it at the dashboard`,
      },
    ];
  }
  const problems: EndpointProblem[] = [];
  if (endpoint.status !== 'enabled') {
    problems.push({
      code: 'disabled',
      message: `Webhook endpoint ${endpoint.id} is ${endpoint.status}: enable it, then run npm run reconcile`,
    });
  }
  const subscribed = new Set(endpoint.enabled_events);
  const missing = subscribed.has('*') ? [] : handledTypes().filter((type) => !subscribed.has(type));
  if (missing.length > 0) {
    problems.push({
      code: 'missing_events',
      message: `Webhook endpoint ${endpoint.id} does not get ${missing.join(', ')}: add them at the dashboard`,
    });
  }
  if (endpoint.api_version === null) {
    problems.push({
      code: 'version_unpinned',
      message: `Webhook endpoint ${endpoint.id} follows the account's API version: pin it, so that shapes change when you decide`,
    });
  }
  return problems;
}

/** @returns null when a restricted key may not read them, which trying again does not change */
async function endpointsOf(stripe: Stripe): Promise<Stripe.WebhookEndpoint[] | null> {
  try {
    return (await stripe.webhookEndpoints.list({ limit: 100 })).data;
  } catch (error) {
    if (error instanceof Stripe.errors.StripePermissionError) return null;
    throw error;
  }
}
