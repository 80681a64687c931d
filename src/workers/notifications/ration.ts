import type { Redis } from 'ioredis';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { GatewayRefused } from './gateway-client.ts';
import { NOTE, TAKE } from './ration-scripts.ts';

/**
 * The shortest rest, in milliseconds. Matcha's gateway gives an address its requests back after a whole second without
 * any, and a refused one is one too.
 */
export const SHORTEST_REST_MS = 1_100;
/** A gateway that wants to be left alone for longer is asked again all the same. */
const LONGEST_REST_MS = MINUTE;
/** So long after the last rest the limit is forgotten: who then tells much at once finds it again. */
const FORGET_MS = 30 * SECOND;
/** A turn that has not ended by then went down with its process: a call to the gateway takes five seconds at most. */
const LOST_MS = 7 * SECOND;
/** What is let through at a time while nobody knows what the gateway would. */
const FIRST_PORTION = 64;
/** How long a process may not know that the gateway limits another one. */
export const KNOWN_MS = SECOND;

/** Turns that were given, or how long to wait before asking again; `free` where nobody needs to ask. */
export type Turns = 'free' | { readonly given: number; readonly waitMs: number };

type Counts = { ended: number; taken: number; unasked: number };

/**
 * What the gateway lets through, as all processes know it. While it does not limit, nobody asks: requests are only
 * counted, and each process looks once a second whether another one was refused. From the first refusal on everything
 * rests, and then goes in portions smaller than what was let through before, all processes together.
 */
export class Ration {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #logger: Logger;
  #limited = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** While Redis cannot be told, a rest is at least this process's own. */
  #ownRestUntil = 0;
  #takenSinceQuiet = 0;
  #lastTakenAt = Number.NEGATIVE_INFINITY;
  #counts: Counts = { ended: 0, taken: 0, unasked: 0 };
  #noting: Promise<void> | undefined;

  /**
   * @param deps.redis fails fast
   * @param deps.prefix of the queues: whoever shares it shares the gateway
   */
  constructor({ redis, prefix, logger }: { redis: Redis; prefix: string; logger: Logger }) {
    this.#redis = redis;
    this.#key = `${prefix}:gateway-ration`;
    this.#logger = logger;
  }

  /** Whether the gateway limits, as far as is known here. */
  get isLimited(): boolean {
    return this.#limited || performance.now() < this.#ownRestUntil;
  }

  /** Looks whether the gateway limits, once a second at most. While Redis cannot tell, what it told last counts. */
  async look(): Promise<void> {
    const now = performance.now();
    if (now - this.#askedAt < KNOWN_MS) return;
    this.#askedAt = now;
    try {
      this.#limited = (await this.#redis.exists(this.#key)) > 0;
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'Redis does not tell whether the gateway limits');
    }
  }

  /** Asks for turns while the gateway limits. @throws what Redis answered */
  async take(most: number): Promise<Turns> {
    await this.#noting;
    const ownRest = this.#ownRestUntil - performance.now();
    if (ownRest > 0 && !this.#limited) return { given: 0, waitMs: ownRest };
    const args = [most, SHORTEST_REST_MS, FORGET_MS, LOST_MS];
    const [given, waitMs] = (await this.#redis.eval(TAKE, 1, this.#key, ...args)) as [number, number];
    this.#askedAt = performance.now();
    this.#limited = given >= 0;
    return this.#limited ? { given, waitMs } : 'free';
  }

  /** The gateway took a message for which no turn had been asked. */
  takenUnasked(): void {
    const now = performance.now();
    // What a quiet second has given back does not count against what comes next.
    if (now - this.#lastTakenAt >= SECOND) this.#takenSinceQuiet = 0;
    this.#lastTakenAt = now;
    this.#takenSinceQuiet += 1;
    if (!this.#limited) return;
    this.#counts.unasked += this.#takenSinceQuiet;
    this.#takenSinceQuiet = 0;
    this.#note();
  }

  /** A turn ended. @param taken whether the gateway took the message; else there was no answer, or nobody used the turn */
  turnEnded(taken: boolean): void {
    this.#counts.ended += 1;
    if (taken) this.#counts.taken += 1;
    this.#note();
  }

  /** The gateway wants to be left alone by everybody. */
  async refused(refusal: GatewayRefused, hadTurn: boolean): Promise<void> {
    const restMs = Math.min(Math.max(refusal.retryAfterMs ?? 0, SHORTEST_REST_MS), LONGEST_REST_MS);
    this.#ownRestUntil = Math.max(this.#ownRestUntil, performance.now() + restMs);
    if (hadTurn) this.#counts.ended += 1;
    this.#counts.unasked += this.#takenSinceQuiet;
    this.#takenSinceQuiet = 0;
    try {
      await this.#tell(refusal.status === 429 ? 'limited' : 'full', restMs);
      this.#limited = true;
      this.#askedAt = performance.now();
    } catch (thrown) {
      this.#logger.warn({ err: toError(thrown) }, 'Could not tell other processes that the gateway limits');
    }
  }

  /** Many at once where many end at once. */
  #note(): void {
    this.#noting ??= this.#noteAll().finally(() => {
      this.#noting = undefined;
    });
  }

  async #noteAll(): Promise<void> {
    try {
      while (this.#counts.ended + this.#counts.unasked > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        await this.#tell('', 0);
      }
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'Could not note what the gateway took');
    }
  }

  async #tell(refusal: string, restMs: number): Promise<void> {
    const { ended, taken, unasked } = this.#counts;
    this.#counts = { ended: 0, taken: 0, unasked: 0 };
    const args = [ended, taken, unasked, refusal, restMs, SHORTEST_REST_MS, FORGET_MS, FIRST_PORTION];
    await this.#redis.eval(NOTE, 1, this.#key, ...args);
  }
}
