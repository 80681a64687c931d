import { median } from '../measure/statistics.ts';
import type { Row } from './part.ts';

type Figures = Readonly<Record<string, number>>;

/** Makes a row of a subject's rounds: the median of every figure by itself. */
export function rowOf(part: string, subject: string, rounds: readonly Figures[]): Row {
  const names = Object.keys(rounds[0] ?? {});
  return {
    part,
    subject,
    figures: Object.fromEntries(
      names.map((name) => [name, median(rounds.map((round) => round[name] ?? Number.NaN))]),
    ),
    rounds,
  };
}

/** Bytes as the table shows them. */
export function megabytes(bytes: number): number {
  return bytes / 1_048_576;
}
