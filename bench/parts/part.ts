import type { House } from '../house.ts';
import type { BenchOptions } from '../options.ts';

/** A figure of one subject, as the table and the JSON show it. */
export type Row = {
  readonly part: string;
  readonly subject: string;
  /** Medians over the rounds, by name of the figure (the unit is part of the name). */
  readonly figures: Readonly<Record<string, number>>;
  /** Every round's figures, in order. */
  readonly rounds: readonly Readonly<Record<string, number>>[];
};

/** One part of the bench. */
export type Part = (house: House, options: BenchOptions, say: (line: string) => void) => Promise<Row[]>;
