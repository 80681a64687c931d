import Mocha from 'mocha';
import { skipReason } from './skip.ts';

/** A test that takes longer than this is listed at the end, in milliseconds. */
const SLOW_MS = 2_000;
const LISTED = 15;

/**
 * Mocha's own `spec`, and at the very end the slowest tests, the reason of every skipped one, and one line
 * `N passed, M failed, K skipped`.
 */
export default class Reporter extends Mocha.reporters.Spec {
  readonly #passed: Mocha.Test[] = [];
  readonly #skipped: Mocha.Test[] = [];

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.on('pass', (test) => void this.#passed.push(test));
    runner.on('pending', (test) => void this.#skipped.push(test));
  }

  override epilogue(): void {
    super.epilogue();
    const slow = this.#passed.filter((test) => duration(test) > SLOW_MS);
    list(
      'Slowest tests:',
      slow
        .sort((a, b) => duration(b) - duration(a))
        .slice(0, LISTED)
        .map((test) => `${(duration(test) / 1_000).toFixed(1)} s  ${test.fullTitle()}`),
    );
    list(
      'Skipped:',
      this.#skipped.map((test) => `${test.fullTitle()}: ${skipReason(test) ?? 'NO REASON GIVEN'}`),
    );
    console.log(
      `${this.#passed.length} passed, ${this.failures.length} failed, ${this.#skipped.length} skipped`,
    );
  }

  /** Adds the tests skipped without a reason to the failures that become mocha's exit code. */
  override done(failures: number, finish?: (failures: number) => void): void {
    finish?.(failures + this.#skipped.filter((test) => skipReason(test) === undefined).length);
  }
}

function duration(test: Mocha.Test): number {
  return test.duration ?? 0;
}

function list(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.log(`  ${title}\n${lines.map((line) => `    ${line}`).join('\n')}\n`);
}
