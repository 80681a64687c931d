import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { SECOND } from '../../shared/duration.ts';

/** After that long without a sign of life its holder is dead. */
const HELD_MS = 10 * SECOND;
const SIGN_OF_LIFE_MS = 3 * SECOND;

const EXTEND = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`;
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

/** A lock on one user's messages, over all processes. */
export type UserLock = {
  /** Whether it is still ours for certain: a process that slept for too long has lost it. */
  readonly isHeld: boolean;
  release(): Promise<void>;
};

/** @returns undefined when somebody else has it */
export async function lockUser(redis: Redis, prefix: string, userId: number): Promise<UserLock | undefined> {
  const key = `${prefix}:gateway-user:${userId}`;
  const holder = randomUUID();
  let until = performance.now() + HELD_MS;
  if ((await redis.set(key, holder, 'PX', HELD_MS, 'NX')) === null) return undefined;
  const extend = async (): Promise<void> => {
    const asked = performance.now();
    if ((await redis.eval(EXTEND, 1, key, holder, HELD_MS)) === 1) until = asked + HELD_MS;
  };
  // A failure needs no care: the lock runs out, and its holder sees that.
  const timer = setInterval(() => void extend().catch(() => undefined), SIGN_OF_LIFE_MS);
  return {
    get isHeld() {
      return performance.now() < until;
    },
    async release() {
      clearInterval(timer);
      await redis.eval(RELEASE, 1, key, holder);
    },
  };
}
