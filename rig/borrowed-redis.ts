import { Redis } from 'ioredis';
import { toError } from '../src/shared/errors.ts';
import { loginRedisUrl } from '../src/shared/login-token.ts';
import { RigError } from './errors.ts';

/** What the gateway writes; its names are fixed, unlike the queues' prefix. */
const GATEWAY_KEYS = 'gateway:*';

/** A Redis that is not ours and is left as it was found: empty. */
export type BorrowedRedis = { readonly url: string; readonly queuePrefix: string; close(): Promise<void> };

/**
 * Takes a Redis somebody gave us, provided that it is empty: the gateway's keys and channels have fixed names, so an
 * installation that uses the same one would hear ours, and mistake our messages for repetitions of its own.
 * @throws {RigError} when it does not answer or is not empty
 */
export async function borrowRedis(given: string): Promise<BorrowedRedis> {
  // Database 0, whichever the URL names: the gateway uses no other.
  const url = loginRedisUrl(given);
  const queuePrefix = '{paiements-rig}';
  const keys = await withRedis(url, (redis) => redis.dbsize());
  if (keys > 0) {
    throw new RigError(
      `The Redis at REDIS_URL holds ${keys} keys of somebody else, and only an empty one can be used. ` +
        'Unset REDIS_URL to have one started.',
    );
  }
  return {
    url,
    queuePrefix,
    close: () => withRedis(url, (redis) => removeKeys(redis, [`${queuePrefix}*`, GATEWAY_KEYS])),
  };
}

async function removeKeys(redis: Redis, patterns: readonly string[]): Promise<void> {
  for (const match of patterns) {
    for await (const keys of redis.scanStream({ match, count: 500 })) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  }
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } catch (thrown) {
    throw new RigError(`The Redis at REDIS_URL cannot be used: ${toError(thrown).message}`, {
      cause: thrown,
    });
  } finally {
    redis.disconnect();
  }
}
