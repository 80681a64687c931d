const QUOTED_LINES = 60;
const QUOTED_CHARS = 600;

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

  /** Adds the last lines that a process wrote. */
  quote(process: string, lines: readonly string[]): void {
    for (const line of lines.slice(-QUOTED_LINES))
      this.add(`    ${process} | ${line.slice(0, QUOTED_CHARS)}`);
  }

  get lines(): string[] {
    return this.#entries.map(lineOf);
  }
}

function lineOf({ ms, what }: { ms: number; what: string }): string {
  return `${(ms / 1_000).toFixed(3).padStart(9)} s  ${what}`;
}
