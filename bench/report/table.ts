import type { Row } from '../parts/part.ts';
import type { Goal } from './goals.ts';

/** Prints rows part by part, a column a figure; figures are medians over the rounds. */
export function tableOf(rows: readonly Row[]): string {
  const parts = [...new Set(rows.map(({ part }) => part))];
  return parts
    .map((part) =>
      partTable(
        part,
        rows.filter((row) => row.part === part),
      ),
    )
    .join('\n\n');
}

export function goalTable(goals: readonly Goal[]): string {
  const lines = goals.map(({ name, wanted, reached, met }) => [
    name,
    wanted,
    shown(reached),
    met ? 'met' : 'MISSED',
  ]);
  return aligned([['goal', 'wanted', 'reached', ''], ...lines]);
}

function partTable(part: string, rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const lines = rows.map(({ subject, figures }) => [subject, ...names.map((name) => shown(figures[name]))]);
  return aligned([[part, ...names], ...lines]);
}

function shown(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  return value >= 100 || Number.isInteger(value)
    ? String(Math.round(value))
    : value.toFixed(value < 10 ? 2 : 1);
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}
