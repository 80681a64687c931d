import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { withDeadline } from './deadline.ts';
import { SECOND } from './duration.ts';
import { toError } from './errors.ts';
import type { Logger } from './logger.ts';

const CHECK_TIMEOUT_MS = 2 * SECOND;
const PROBE_KEY_SECONDS = 60;

/** Whether a check succeeds, within two seconds; a failure is said in the log. */
export async function succeeds(
  what: string,
  check: () => Promise<unknown>,
  logger: Logger,
): Promise<boolean> {
  try {
    await withDeadline(check(), CHECK_TIMEOUT_MS, `Checking ${what}`);
    return true;
  } catch (thrown) {
    logger.warn({ err: toError(thrown), check: what }, `Health check of ${what} failed`);
    return false;
  }
}

/**
 * A Redis that is full or has become a replica still answers PING, but takes no jobs.
 * @param redis fails fast
 */
export function writeToRedis(redis: Redis, queuePrefix: string): Promise<unknown> {
  return redis.set(`${queuePrefix}:ready:${hostname()}`, new Date().toISOString(), 'EX', PROBE_KEY_SECONDS);
}
