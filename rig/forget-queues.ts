import { Redis } from 'ioredis';

/** Removes every key under a queue prefix from a Redis that is not ours, so that nothing of us stays there. */
export async function forgetQueues(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    // Redis reads [, ], ?, * and \ in a pattern as wildcards.
    const match = `${prefix.replace(/[[\]?*\\]/g, '\\$&')}*`;
    for await (const keys of redis.scanStream({ match, count: 500 })) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } finally {
    redis.disconnect();
  }
}
