/** Says how each step went, with the time it took. */
export class Steps {
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  /** Runs one step. Its failure is said here and thrown on. @returns what `work` gives */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      const result = await work();
      this.done(name, performance.now() - start);
      return result;
    } catch (thrown) {
      this.#print(`✗ ${name}  ${milliseconds(performance.now() - start)}`);
      throw thrown;
    }
  }

  /** Says that a step is done that was timed elsewhere. @param ms its time in milliseconds */
  done(name: string, ms: number): void {
    this.#print(`✓ ${name.padEnd(44)} ${milliseconds(ms)}`);
  }
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`.padStart(9);
}

/** @throws unless `condition` holds */
export function expectThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}
