import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { toError } from '../src/shared/errors.ts';
import { atDatabase0, parseRedisUrl } from '../src/shared/redis-url.ts';
import { RigError } from './errors.ts';

/** A Redis that is not ours: everything we write there is under names of our own, and removed at the end. */
export type BorrowedRedis = {
  readonly url: string;
  /** The variables that keep our names apart from everybody else's. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
};

/**
 * Takes a Redis somebody gave us, whatever is in it.
 * @throws {RigError} when it does not answer, or is not one server
 */
export async function borrowRedis(given: string): Promise<BorrowedRedis> {
  if (parseRedisUrl(given)?.kind !== 'server') {
    throw new RigError(
      'REDIS_URL must be a redis:// or rediss:// URL of one server. Unset it to have one started.',
    );
  }
  // Database 0, whichever the URL names: the gateway uses no other.
  const url = atDatabase0(given);
  await withRedis(url, (redis) => redis.ping());
  const run = randomBytes(6).toString('hex');
  const prefixes = [`{paiements-rig-${run}}`, `gateway-rig-${run}:`] as const;
  return {
    url,
    env: { QUEUE_PREFIX: prefixes[0], GATEWAY_KEY_PREFIX: prefixes[1] },
    close: () => withRedis(url, (redis) => removeKeys(redis, prefixes)),
  };
}

async function removeKeys(redis: Redis, prefixes: readonly string[]): Promise<void> {
  for (const prefix of prefixes) {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 500 })) {
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
