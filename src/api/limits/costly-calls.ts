import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import { addressKey, clientAddressOf } from '../../shared/http/client-address.ts';
import type { WebDeps } from '../deps.ts';
import { RateLimit } from './rate-limit.ts';

type LimitDeps = Pick<WebDeps, 'redis' | 'config' | 'logger'>;

/** Limits of the routes whose every call makes us call Stripe. What only reads rows, health and webhooks have none. */
export type CostlyCalls = {
  checkout: RateLimit;
  cancel: RateLimit;
  portal: RateLimit;
  return: RateLimit;
  /** A purchase without a login, counted by the client's address. */
  requireGuest: (request: IncomingMessage) => Promise<void>;
};

export function createCostlyCalls({ redis, config, logger }: LimitDeps): CostlyCalls {
  const limit = (name: keyof typeof config.rateLimits) =>
    new RateLimit({
      redis,
      prefix: config.redis.queuePrefix,
      name,
      calls: config.rateLimits[name],
      windowSeconds: MINUTE / SECOND,
    });
  const guests = limit('guestCheckout');
  const { hops } = config.trustedProxies;
  let warned = false;
  return {
    checkout: limit('checkout'),
    cancel: limit('cancel'),
    portal: limit('portal'),
    return: limit('return'),
    requireGuest: async (request) => {
      if (hops === 0 && request.headers['x-forwarded-for'] !== undefined && !warned) {
        warned = true;
        logger.warn('Guests are limited together: a proxy stands before us and TRUSTED_PROXY_HOPS is 0');
      }
      await guests.require(addressKey(clientAddressOf(request, hops)));
    },
  };
}

/** Counts a route's calls by user; stands behind the login check. */
export function limitByUser(limit: RateLimit): Middleware {
  return async (ctx, next) => {
    await limit.require(String(ctx.state.userId));
    await next();
  };
}
