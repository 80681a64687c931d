import { MINUTE, SECOND } from '../../shared/duration.ts';
import type { WebDeps } from '../deps.ts';
import { createGuestCheck, type GuestCheck } from './guests.ts';
import { RateLimit } from './rate-limit.ts';

type LimitDeps = Pick<WebDeps, 'redis' | 'config' | 'logger'>;

/**
 * Limits of the routes whose every call makes us call Stripe, to be asked once a request is known to be one. What only
 * reads rows, health and webhooks have none.
 */
export type CostlyCalls = {
  checkout: RateLimit;
  cancel: RateLimit;
  portal: RateLimit;
  return: RateLimit;
  requireGuest: GuestCheck;
};

export function createCostlyCalls(deps: LimitDeps): CostlyCalls {
  const { redis, config } = deps;
  const limit = (name: 'checkout' | 'cancel' | 'portal' | 'return') =>
    new RateLimit({
      redis,
      prefix: config.redis.queuePrefix,
      name,
      calls: config.rateLimits[name],
      windowSeconds: MINUTE / SECOND,
    });
  return {
    checkout: limit('checkout'),
    cancel: limit('cancel'),
    portal: limit('portal'),
    return: limit('return'),
    requireGuest: createGuestCheck(deps),
  };
}
