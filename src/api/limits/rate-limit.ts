import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { SECOND } from '../../shared/duration.ts';
import { HttpError } from '../../shared/errors.ts';

export type RateLimitOptions = {
  redis: Redis;
  /** Before the keys in Redis; everybody who shares it shares the counts. */
  prefix: string;
  /** What is limited; part of the keys. */
  name: string;
  /** How many calls within `windowSeconds`; 0 for no limit. */
  calls: number;
  windowSeconds: number;
};

/** Counts calls by key, over all web processes. While Redis is away each process counts for itself. */
export class RateLimit {
  readonly #limiter: RateLimiterRedis | undefined;

  constructor({ redis, prefix, name, calls, windowSeconds }: RateLimitOptions) {
    if (calls === 0) return;
    const limits = { points: calls, duration: windowSeconds };
    this.#limiter = new RateLimiterRedis({
      ...limits,
      storeClient: redis,
      keyPrefix: `${prefix}:limit:${name}`,
      rejectIfRedisNotReady: true,
      insuranceLimiter: new RateLimiterMemory({ ...limits, keyPrefix: name }),
      // Who keeps on calling while refused costs no trip to Redis.
      inMemoryBlockOnConsumed: calls + 1,
    });
  }

  /**
   * Counts one call.
   * @returns undefined when it is allowed, else how many seconds to wait
   */
  async take(key: string): Promise<number | undefined> {
    try {
      await this.#limiter?.consume(key);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof Error) throw thrown;
      return Math.max(1, Math.ceil((thrown as RateLimiterRes).msBeforeNext / SECOND));
    }
  }

  /**
   * Counts one call of a client who is told when it was one too many.
   * @throws {HttpError} 429
   */
  async require(key: string): Promise<void> {
    const waitSeconds = await this.take(key);
    if (waitSeconds === undefined) return;
    throw HttpError.tooManyRequests(`Too many requests of this kind: wait ${waitSeconds} s`, waitSeconds);
  }
}
