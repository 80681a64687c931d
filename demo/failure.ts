import { readable } from '../rig/log-line.ts';
import type { Matcha } from '../rig/matcha.ts';

const SHOWN_LINES = 15;

/** Why it failed, and what each process wrote last. */
export function failureReport(error: Error, matcha: Matcha | undefined): string {
  const reasons = [error.message];
  for (let { cause } = error; cause instanceof Error; { cause } = cause)
    reasons.push(`because: ${cause.message}`);
  const logs = (matcha?.processes ?? []).flatMap((each) => [
    `\nThe last lines of ${each.name}:`,
    ...withoutRepeats(each.lines.map(readable))
      .slice(-SHOWN_LINES)
      .map((line) => `  | ${line}`),
  ]);
  return ['', ...reasons, ...logs].join('\n');
}

function withoutRepeats(lines: readonly string[]): string[] {
  return lines.filter((line, index) => line !== lines[index - 1]);
}
