import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { MINUTE, SECOND } from '../duration.ts';
import { HttpError } from '../errors.ts';

/** Wrong keys that one address may send a minute. */
const MOST_WRONG = 30;
/** Addresses of which it is remembered that they knew the key: more than there are services and operators. */
const MOST_KNOWN = 1_000;

/**
 * Slows down who guesses a key, to some thirty guesses a minute for each address and process. Beyond that a key is
 * not compared at all, so that even the right one would not be found. An address from which the right key has come is
 * compared always: other services must not be locked out by somebody who guesses beside them.
 */
export class Guesses {
  readonly #wrong = new RateLimiterMemory({ points: MOST_WRONG, duration: MINUTE / SECOND });
  readonly #known = new Set<string>();

  /**
   * @param address of who sends the key
   * @returns whether it is right
   * @throws {HttpError} 429 when too many were not
   */
  async check(address: string, isRight: () => boolean): Promise<boolean> {
    const known = this.#known.has(address);
    // Counted before it is compared, so that many at once do not slip through together.
    if (!known) await this.#count(address);
    if (isRight()) {
      if (!known) await this.#wrong.reward(address);
      this.#remember(address);
      return true;
    }
    if (known) await this.#count(address);
    return false;
  }

  async #count(address: string): Promise<void> {
    try {
      await this.#wrong.consume(address);
    } catch (thrown) {
      if (thrown instanceof Error) throw thrown;
      const waitSeconds = Math.max(1, Math.ceil((thrown as RateLimiterRes).msBeforeNext / SECOND));
      throw HttpError.tooManyRequests(`Too many wrong keys: wait ${waitSeconds} s`, waitSeconds);
    }
  }

  #remember(address: string): void {
    if (this.#known.has(address)) return;
    const [oldest] = this.#known;
    if (this.#known.size >= MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(address);
  }
}
