import { toError } from '../shared/errors.ts';

type Waiting<T, R> = { item: T; resolve: (result: R) => void; reject: (error: Error) => void };

/**
 * Gathers what is at hand into one unit of work. There is no timer: while `maxInFlight` runs are under way, arriving
 * items wait, and the next run takes them all (up to `maxSize`). A lone item is run at once.
 */
export class GroupCommit<T, R> {
  readonly #run: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #maxSize: number;
  readonly #maxInFlight: number;
  readonly #waiting: Waiting<T, R>[] = [];
  #inFlight = 0;

  /** @param options.run answers with one result an item, in their order; when it rejects, every item does */
  constructor(options: {
    run: (items: readonly T[]) => Promise<readonly R[]>;
    maxSize: number;
    maxInFlight: number;
  }) {
    this.#run = options.run;
    this.#maxSize = options.maxSize;
    this.#maxInFlight = options.maxInFlight;
  }

  /** Resolves with the item's result once its run is over. */
  submit(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      // Items of one tick belong together: let the caller hand in the rest first.
      setImmediate(() => this.#start());
    });
  }

  #start(): void {
    while (this.#inFlight < this.#maxInFlight && this.#waiting.length > 0) {
      void this.#commit(this.#waiting.splice(0, this.#maxSize));
    }
  }

  async #commit(group: readonly Waiting<T, R>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      const results = await this.#run(group.map((entry) => entry.item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as R);
    } catch (thrown) {
      for (const { reject } of group) reject(toError(thrown));
    } finally {
      this.#inFlight -= 1;
      this.#start();
    }
  }
}
