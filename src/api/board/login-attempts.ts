import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { MINUTE, SECOND } from '../../shared/duration.ts';

/** Guesses that nobody has to wait for. */
const FREE = 5;
/** Between the next two; doubles with every further one. */
const FIRST_GAP_MS = SECOND;
const LONGEST_GAP_MS = 30 * SECOND;
/** How long a guess is held back here before it is looked at; what has to wait longer is told when to come again. */
const LONGEST_WAIT_MS = 5 * SECOND;
/** After that long without a guess they are free again. */
const MEMORY_MS = 15 * MINUTE;

/**
 * Gives the next guess its time, and counts it when that is near enough. By Redis' clock, which all web processes share.
 * @returns milliseconds to wait, and 1 when the guess was counted
 */
const NEXT_TURN = `
  local free, first, longest, wait, memory =
    tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local guesses = tonumber(redis.call('HGET', KEYS[1], 'guesses') or '0')
  local latest = tonumber(redis.call('HGET', KEYS[1], 'latest') or '0')
  local gap = 0
  if guesses >= free then gap = math.min(longest, first * 2 ^ math.min(guesses - free, 20)) end
  local at = math.max(now, latest + gap)
  if at - now > wait then return { at - now, 0 } end
  redis.call('HSET', KEYS[1], 'guesses', guesses + 1, 'latest', at)
  redis.call('PEXPIRE', KEYS[1], memory)
  return { at - now, 1 }
`;

/** What becomes of a guess: it waits so many milliseconds and is then looked at, or is to come again after them. */
export type Turn = { waitMs: number; counted: boolean };

/**
 * Slows guessing down, and locks nobody out: guesses at one name from one address come one after the other, after the
 * first few with gaps that grow to half a minute. Neither guesses at another name nor those from another address make
 * anybody wait.
 */
export class LoginAttempts {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * Counts a guess before it is looked at, so that many at once are counted too.
   * @param address of who is connected to us; what a header says of it anybody could have written
   * @throws when Redis does not answer
   */
  async begin(address: string, user: string): Promise<Turn> {
    const settings = [FREE, FIRST_GAP_MS, LONGEST_GAP_MS, LONGEST_WAIT_MS, MEMORY_MS];
    const [waitMs, counted] = (await this.#redis.eval(
      NEXT_TURN,
      1,
      this.#key(address, user),
      ...settings,
    )) as [number, number];
    return { waitMs, counted: counted === 1 };
  }

  /** It was no guess. */
  async succeeded(address: string, user: string): Promise<void> {
    await this.#redis.del(this.#key(address, user));
  }

  /** A digest: what is typed as a name may be a password, and of any length. */
  #key(address: string, user: string): string {
    const lane = createHash('sha256')
      .update(JSON.stringify([address, user]))
      .digest('base64url');
    return `${this.#prefix}:board-guesses:${lane}`;
  }
}
