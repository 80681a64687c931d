import { HttpError } from '../../shared/errors.ts';

const RETRY_AFTER_SECONDS = 5;

/**
 * Lets work on one key run one at a time, and at most `atOnce` pieces in all. Checkouts hold a database connection
 * while Stripe answers: without this, one impatient user or a slow Stripe would take all of the pool.
 */
export class Turns {
  readonly #atOnce: number;
  readonly #longestQueue: number;
  readonly #running = new Set<string>();
  readonly #waiting: { key: string; start: () => void }[] = [];

  constructor(limits: { atOnce: number; longestQueue: number }) {
    this.#atOnce = limits.atOnce;
    this.#longestQueue = limits.longestQueue;
  }

  /** @throws {HttpError} 503 when too many wait already */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    await this.#turn(key);
    try {
      return await work();
    } finally {
      this.#running.delete(key);
      this.#startNext();
    }
  }

  #turn(key: string): Promise<void> | void {
    if (this.#mayStart(key)) {
      this.#running.add(key);
      return;
    }
    if (this.#waiting.length >= this.#longestQueue) {
      throw HttpError.unavailable(
        'busy',
        'Too many purchases are waiting: try again soon',
        RETRY_AFTER_SECONDS,
      );
    }
    return new Promise((resolve) => this.#waiting.push({ key, start: resolve }));
  }

  #startNext(): void {
    const index = this.#waiting.findIndex(({ key }) => this.#mayStart(key));
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (next === undefined) return;
    this.#running.add(next.key);
    next.start();
  }

  #mayStart(key: string): boolean {
    return this.#running.size < this.#atOnce && !this.#running.has(key);
  }
}
