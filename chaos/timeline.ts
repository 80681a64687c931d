/** What happened when, for people who look into a violation. */
export class Timeline {
  readonly #startedAt = performance.now();
  readonly #entries: { ms: number; what: string }[] = [];
  readonly #listener: (line: string) => void;

  /** @param listener told every entry as it is made */
  constructor(listener: (line: string) => void = () => undefined) {
    this.#listener = listener;
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return performance.now() - this.#startedAt;
  }

  add(what: string): void {
    const entry = { ms: this.now, what };
    this.#entries.push(entry);
    this.#listener(lineOf(entry));
  }

  get lines(): string[] {
    return this.#entries.map(lineOf);
  }
}

function lineOf({ ms, what }: { ms: number; what: string }): string {
  return `${(ms / 1_000).toFixed(3).padStart(9)} s  ${what}`;
}
