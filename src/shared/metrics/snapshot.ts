import { withDeadline } from '../deadline.ts';
import { SECOND } from '../duration.ts';
import { toError } from '../errors.ts';
import type { Logger } from '../logger.ts';

const READ_WITHIN_MS = 2 * SECOND;
/** Several collectors that ask at once, and gauges that share a reading, cost one. */
const KEEP_MS = 3 * SECOND;

/**
 * A reading of the outside (a query, a count) that gauges share: at most one every few seconds, given up after two.
 * A failure is `undefined`: whoever scrapes gets everything else.
 */
export class Snapshot<T> {
  readonly #name: string;
  readonly #read: () => Promise<T>;
  readonly #logger: Logger;
  #taken: { at: number; value: Promise<T | undefined> } | undefined;
  #failing = false;

  /** @param name as it appears in the log when reading fails */
  constructor(name: string, read: () => Promise<T>, logger: Logger) {
    this.#name = name;
    this.#read = read;
    this.#logger = logger;
  }

  get(): Promise<T | undefined> {
    const now = performance.now();
    if (this.#taken === undefined || now - this.#taken.at > KEEP_MS) {
      this.#taken = { at: now, value: this.#attempt() };
    }
    return this.#taken.value;
  }

  async #attempt(): Promise<T | undefined> {
    try {
      const value = await withDeadline(this.#read(), READ_WITHIN_MS, `Reading ${this.#name} for the metrics`);
      this.#failing = false;
      return value;
    } catch (thrown) {
      if (!this.#failing) {
        this.#logger.warn({ err: toError(thrown) }, `Could not read ${this.#name} for the metrics`);
      }
      this.#failing = true;
      return undefined;
    }
  }
}
