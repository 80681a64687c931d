import { RigError } from './errors.ts';

/** Releases one thing; called once. */
export type Release = () => Promise<unknown> | unknown;

/** A last-in-first-out pile of things to release. Closing goes on after a failure and reports the first one. */
export class Pile {
  readonly #releases: Release[] = [];
  #closing: Promise<void> | undefined;

  /** Adds something that is closed before everything added so far. */
  add<T extends { close(): Promise<unknown> | unknown }>(thing: T): T {
    this.defer(() => thing.close());
    return thing;
  }

  /** @throws {RigError} when the pile is already closing; what came too late is released at once */
  defer(release: Release): void {
    if (this.#closing) {
      void Promise.resolve(release()).catch(() => undefined);
      throw new RigError('Stopped while it was starting');
    }
    this.#releases.push(release);
  }

  /** Safe to call twice: the second caller waits for the first run. */
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      try {
        await release();
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
