import { Gauge, type Registry } from 'prom-client';
import type { Snapshot } from './snapshot.ts';

/** Makes gauges that are read when somebody scrapes. One whose reading failed is left out rather than shown as 0. */
export class Gauges<T> {
  readonly #registry: Registry;
  readonly #snapshot: Snapshot<T>;

  constructor(registry: Registry, snapshot: Snapshot<T>) {
    this.#registry = registry;
    this.#snapshot = snapshot;
  }

  /** A gauge with one value; none while `toValue` gives null. */
  value(name: string, help: string, toValue: (reading: T) => number | null): void {
    this.#add(name, help, [], (reading) => {
      const value = toValue(reading);
      return value === null ? [] : [[{}, value]];
    });
  }

  /** A gauge with a value for each set of labels. */
  values<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    valuesOf: (reading: T) => Iterable<[labels: Record<L, string>, value: number]>,
  ): void {
    this.#add(name, help, labelNames, valuesOf);
  }

  /** 1 while the reading succeeds, 0 while it does not. */
  up(name: string, help: string): void {
    const snapshot = this.#snapshot;
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      async collect() {
        this.set((await snapshot.get()) === undefined ? 0 : 1);
      },
    });
  }

  #add<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    valuesOf: (reading: T) => Iterable<[labels: Partial<Record<L, string>>, value: number]>,
  ): void {
    const snapshot = this.#snapshot;
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        const reading = await snapshot.get();
        // `reset` would leave a gauge without labels at 0.
        if (labelNames.length === 0) this.remove();
        else this.reset();
        if (reading === undefined) return;
        for (const [labels, value] of valuesOf(reading)) this.set(labels, value);
      },
    });
  }
}
