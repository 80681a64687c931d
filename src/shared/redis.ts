import { Redis, type RedisOptions } from 'ioredis';
import { SECOND } from './duration.ts';
import type { Logger } from './logger.ts';

/**
 * How a connection behaves while Redis is away. `failFast` answers at once with an error (HTTP requests must not
 * hang); `patient` waits for it to come back (workers have nothing better to do).
 */
export type RedisTemper = 'failFast' | 'patient';

const MAX_RECONNECT_DELAY_MS = 2 * SECOND;

/** Opens a connection. Database 0 unless the URL names another: the gateway keeps its revoked tokens there. */
export function connectRedis(url: string, temper: RedisTemper, logger: Logger): Redis {
  const options: RedisOptions = {
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
    connectTimeout: 5 * SECOND,
    ...(temper === 'failFast'
      ? { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2 * SECOND }
      : { maxRetriesPerRequest: null }),
  };
  const connection = new Redis(url, options);
  connection.on('error', (error) => {
    logger.warn({ err: error }, 'Redis connection failed; it is tried again');
  });
  return connection;
}
