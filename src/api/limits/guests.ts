import type { IncomingMessage } from 'node:http';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import { addressKey, clientAddressOf } from '../../shared/http/client-address.ts';
import { countRefusedGuest, type GuestLimit } from '../../shared/metrics/guests.ts';
import type { WebDeps } from '../deps.ts';
import { createGuestChallenge } from './guest-challenge.ts';
import { networksAround } from './networks.ts';
import { RateLimit } from './rate-limit.ts';

/** Lets a purchase without a login through, or throws what it is refused with. */
export type GuestCheck = (request: IncomingMessage, challenge: string | undefined) => Promise<void>;

/**
 * Limits purchases without a login: for each address, for the networks one customer of a provider has, and for all
 * guests together. The limit of all comes last, after the challenge, so that who does not solve it uses up nobody's.
 */
export function createGuestCheck({
  redis,
  config,
  logger,
}: Pick<WebDeps, 'redis' | 'config' | 'logger'>): GuestCheck {
  const { guestCheckout, allGuests } = config.rateLimits;
  const limit = (name: string, calls: number) =>
    new RateLimit({
      redis,
      prefix: config.redis.queuePrefix,
      name,
      calls,
      windowSeconds: MINUTE / SECOND,
    });
  const addresses = limit('guestCheckout', guestCheckout);
  /** By how many addresses' worth of calls they allow. */
  const networks = new Map(
    [1, 2].map((share) => [share, limit(`guestNetwork${share}`, guestCheckout * share)]),
  );
  const all = limit('allGuests', allGuests);
  const challenge = config.guestChallenge && createGuestChallenge(config.guestChallenge);
  const { hops } = config.trustedProxies;
  let warned = false;

  return async (request, answer) => {
    if (hops === 0 && request.headers['x-forwarded-for'] !== undefined && !warned) {
      warned = true;
      logger.warn('Guests are limited together: a proxy stands before us and TRUSTED_PROXY_HOPS is 0');
    }
    const address = clientAddressOf(request, hops);
    const key = addressKey(address);
    await counted('address', addresses.require(key));
    for (const network of networksAround(key)) {
      await counted('network', networks.get(network.share)?.require(network.key));
    }
    await counted('challenge', challenge?.(answer, address));
    await counted('all', all.require('all'));
  };
}

async function counted(limit: GuestLimit, check: Promise<void> | undefined): Promise<void> {
  try {
    await check;
  } catch (thrown) {
    countRefusedGuest(limit);
    throw thrown;
  }
}
