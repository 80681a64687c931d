import type { EntityManager } from '@mikro-orm/postgresql';
import { HttpError } from '../../shared/errors.ts';
import { livingCustomers } from '../customers.ts';
import type { WebDeps } from '../deps.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';
import { countingOf, isLive, subscriptionsOf } from './counting.ts';

type PortalDeps = Pick<WebDeps, 'stripe' | 'config'>;

/**
 * Opens Stripe's billing portal for a user.
 * @param returnUrl see {@link returnUrlOf}
 * @throws {HttpError} 404 when the user has no customer at Stripe
 */
export async function openPortal(
  em: EntityManager,
  userId: number,
  returnUrl: string,
  { stripe, config }: PortalDeps,
): Promise<string> {
  const customerId = await customerToShow(em, userId, config.stripe.livemode);
  if (customerId === undefined) throw noCustomer();
  try {
    const session = await stripe.billingPortal.sessions.create({
      customer: customerId,
      return_url: returnUrl,
      locale: 'fr',
    });
    return session.url;
  } catch (error) {
    if (isMissingAtStripe(error)) throw noCustomer();
    throw error;
  }
}

/** Whoever has two customers looks for the one that is charged. */
async function customerToShow(
  em: EntityManager,
  userId: number,
  livemode: boolean,
): Promise<string | undefined> {
  const customers = await livingCustomers(em, userId, livemode);
  const subscription = countingOf(await subscriptionsOf(em, userId, livemode));
  const charged = subscription && isLive(subscription) ? subscription.stripeCustomerId : undefined;
  return (customers.find((customer) => customer.stripeCustomerId === charged) ?? customers[0])
    ?.stripeCustomerId;
}

function noCustomer(): HttpError {
  return HttpError.notFound('no_customer', 'There is nothing to manage yet: no purchase was ever begun');
}

/**
 * Where the portal's "back" button may lead: one of our own pages, else it would lend our name to anybody's link.
 * @returns the normalised URL; the origin of `STRIPE_SUCCESS_URL` when none is asked for
 * @throws {HttpError} 400
 */
export function returnUrlOf(asked: string | undefined, config: WebDeps['config']): string {
  const home = new URL(config.checkout.successUrl).origin;
  if (asked === undefined || asked === '') return home;
  const url = URL.canParse(asked) ? new URL(asked) : undefined;
  const allowed =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    (url.origin === home || config.origins.includes(url.origin));
  if (allowed) return url.href;
  throw HttpError.badRequest(
    'return_url_not_allowed',
    'return_url must be an http(s) URL on one of ALLOWED_ORIGINS or the origin of STRIPE_SUCCESS_URL',
  );
}
