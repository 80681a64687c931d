import type { Redis } from 'ioredis';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import { RateLimit } from '../limits/index.ts';

const WINDOW_SECONDS = (15 * MINUTE) / SECOND;
const PER_ADDRESS = 5;
/** Enough that one stranger cannot lock the operators out, few enough that a thousand addresses guess nothing. */
const IN_ALL = 50;
const EVERYBODY = 'all';

/** Counts guesses, by address and in all. */
export class LoginAttempts {
  readonly #byAddress: RateLimit;
  readonly #inAll: RateLimit;

  constructor(redis: Redis, prefix: string) {
    const common = { redis, prefix, windowSeconds: WINDOW_SECONDS };
    this.#byAddress = new RateLimit({ ...common, name: 'board-login', calls: PER_ADDRESS });
    this.#inAll = new RateLimit({ ...common, name: 'board-logins', calls: IN_ALL });
  }

  /**
   * Counts a guess before it is looked at, so that many at once are counted too.
   * @returns how many seconds to wait when it was one too many
   */
  async begin(address: string): Promise<number | undefined> {
    // One that its address may not make does not use up what all have together.
    return (await this.#byAddress.take(address)) ?? (await this.#inAll.take(EVERYBODY));
  }

  /** It was no guess. */
  async succeeded(address: string): Promise<void> {
    await this.#byAddress.forget(address);
    await this.#inAll.giveBack(EVERYBODY);
  }
}
