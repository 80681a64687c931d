import { AsyncLocalStorage } from 'node:async_hooks';
import type { Redis } from 'ioredis';
import type { Middleware } from 'koa';
import { HttpError } from '../../shared/errors.ts';
import { type BudgetShare, countBudgetCall } from '../../shared/metrics/stripe-budget.ts';
import { RateLimit } from './rate-limit.ts';

/** The part that is kept for those who want to leave, however many want to buy. */
const KEPT_FOR_LEAVING = 1 / 4;
const WINDOW_SECONDS = 1;
const RETRY_AFTER_SECONDS = 2;

const leaving = new AsyncLocalStorage<true>();

/** Marks a route as one by which people stop paying: cancelling, resuming, the billing portal, withdrawing. */
export function forLeaving(): Middleware {
  return (_ctx, next) => leaving.run(true, next);
}

/**
 * One budget for all calls that web processes make to Stripe. Stripe limits the whole account, so that a flood of
 * purchases would also stop the worker from reading and people from cancelling. While Redis is away each process has a
 * budget of its own.
 */
export class StripeBudget {
  readonly #shares: Readonly<Record<BudgetShare, RateLimit>>;

  /** @param options.callsPerSecond of all web processes together; 0 for no limit */
  constructor({ redis, prefix, callsPerSecond }: { redis: Redis; prefix: string; callsPerSecond: number }) {
    const kept = Math.ceil(callsPerSecond * KEPT_FOR_LEAVING);
    const share = (name: BudgetShare, calls: number) =>
      new RateLimit({ redis, prefix, name: `stripe:${name}`, calls, windowSeconds: WINDOW_SECONDS });
    this.#shares = {
      leaving: share('leaving', kept),
      // Never 0, which would be no limit.
      others: share('others', callsPerSecond === 0 ? 0 : Math.max(1, callsPerSecond - kept)),
    };
  }

  /**
   * Takes one call; the SDK tries again a little later, as when a connection fails. Who leaves has a share of their
   * own, and what others leave of theirs.
   * @throws {HttpError} 503 when the budget of this second is used up
   */
  async take(): Promise<void> {
    const mine: readonly BudgetShare[] = leaving.getStore() ? ['leaving', 'others'] : ['others'];
    for (const share of mine) {
      if ((await this.#shares[share].take('calls')) === undefined) return countBudgetCall(share, 'taken');
    }
    countBudgetCall(mine[0] ?? 'others', 'refused');
    throw HttpError.unavailable(
      'busy',
      'Too much is asked of the payment provider at the moment: try again soon',
      RETRY_AFTER_SECONDS,
    );
  }
}
