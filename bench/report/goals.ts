import type { Row } from '../parts/part.ts';

/** A figure that was to be reached, and what came of it. */
export type Goal = {
  readonly name: string;
  readonly wanted: string;
  /** NaN when it was not measured. */
  readonly reached: number;
  readonly met: boolean;
};

/** Judges a run by the figures of issue 5. Goals about parts that did not run are left out. */
export function judge(rows: readonly Row[]): Goal[] {
  const get = (part: string, subject: string, figure: string): number =>
    rows.find((row) => row.part === part && row.subject === subject)?.figures[figure] ?? Number.NaN;
  const intake = (subject: string, figure: string): number => get('intake', subject, figure);
  const goals = [
    atMost(
      'intake: cpu, times the floor',
      1.15,
      intake('service', 'cpu µs/event') / intake('floor', 'cpu µs/event'),
    ),
    atLeast(
      'intake: accepted/s, times the peer',
      3.5,
      intake('service', 'accepted/s') / intake('peer', 'accepted/s'),
    ),
    atMost('intake: p99, of the peer', 1 / 3, intake('service', 'p99 ms') / intake('peer', 'p99 ms')),
    atLeast(
      'pipeline: events/s, times the peer',
      1.5,
      get('pipeline', 'service', 'events/s') / intake('peer', 'accepted/s'),
    ),
    atMost('latency: p50, ms', 15, get('latency', 'service', 'p50 ms')),
    atMost('latency: p99, ms', 75, get('latency', 'service', 'p99 ms')),
    atLeast(
      'growth: events/s, of empty',
      0.9,
      get('growth', 'grown', 'events/s') / get('growth', 'empty', 'events/s'),
    ),
    atMost('memory: web peak, MB', 150, get('memory', 'web', 'peak MB')),
    atMost('memory: worker peak, MB', 200, get('memory', 'worker', 'peak MB')),
    atMost('memory: web growth, %', 5, get('memory', 'web', 'growth %')),
    atMost('memory: worker growth, %', 5, get('memory', 'worker', 'growth %')),
  ];
  return goals.filter(({ reached }) => !Number.isNaN(reached));
}

function atMost(name: string, limit: number, reached: number): Goal {
  return { name, wanted: `≤ ${rounded(limit)}`, reached, met: reached <= limit };
}

function atLeast(name: string, limit: number, reached: number): Goal {
  return { name, wanted: `≥ ${rounded(limit)}`, reached, met: reached >= limit };
}

function rounded(value: number): string {
  return String(Number(value.toFixed(2)));
}
