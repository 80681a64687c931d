import fc from 'fast-check';
import type { Arrival } from './house.ts';
import { NEWEST, type RecordedEvent, VERSIONS, type Version } from './recorder.ts';

/** How a set of events comes in: groups that arrive at once, one group after the other. */
export type Permutation = {
  /** Of the payloads; `any` draws one for every delivery. */
  readonly version: Version | 'any';
  readonly groups: readonly (readonly Arrival[])[];
};

/**
 * Every event at least once, in any order, some of them again, in groups of any size. Shrinks towards the order in
 * which they happened, without duplicates, one at a time: what remains of a counterexample is what matters.
 */
export function permutations(events: readonly RecordedEvent[]): fc.Arbitrary<Permutation> {
  const last = events.length - 1;
  const lateness = fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat({ max: events.length }) },
  );
  const again = fc.record({
    of: fc.nat({ max: last }),
    lateness: fc.nat({ max: events.length }),
    by: fc.constantFrom<Arrival['by']>('http', 'job'),
  });
  return fc
    .record({
      version: fc.constantFrom<Version | 'any'>(...VERSIONS, 'any'),
      groupSize: fc.constantFrom(1, 2, 4, 16, 1_000),
      lateness: fc.array(lateness, { minLength: events.length, maxLength: events.length }),
      again: fc.array(again, { maxLength: events.length }),
      draws: fc.array(fc.constantFrom(...VERSIONS), { minLength: 7, maxLength: 7 }),
    })
    .map(({ version, groupSize, lateness: late, again: copies, draws }) => {
      const planned = [
        ...events.map((event, index) => ({ event, at: index + (late[index] ?? 0), by: 'http' as const })),
        ...copies.flatMap(({ of, lateness: by, ...copy }) => {
          const event = events[of];
          return event ? [{ event, at: of + by, by: copy.by }] : [];
        }),
      ].sort((a, b) => a.at - b.at);
      const arrivals = planned.map(({ event, by }, index): Arrival => {
        const drawn = draws[index % draws.length] ?? NEWEST;
        return { event, by, version: version === 'any' ? drawn : version };
      });
      const groups: Arrival[][] = [];
      for (let i = 0; i < arrivals.length; i += groupSize) groups.push(arrivals.slice(i, i + groupSize));
      return new Spoken(version, groups);
    });
}

/** Prints itself so that a person can follow it. */
class Spoken implements Permutation {
  readonly version: Version | 'any';
  readonly groups: readonly (readonly Arrival[])[];

  constructor(version: Version | 'any', groups: readonly (readonly Arrival[])[]) {
    this.version = version;
    this.groups = groups;
  }

  [fc.toStringMethod](): string {
    const first = Math.min(...this.groups.flat().map(({ event }) => event.created));
    const lines = this.groups.map((group) =>
      group
        .map(({ event, by, version }) => {
          const how = [by === 'job' ? 'again' : '', this.version === 'any' ? version : ''].filter(Boolean);
          return `${event.type}@${event.created - first}s${how.length > 0 ? `(${how.join(' ')})` : ''}`;
        })
        .join(' & '),
    );
    const text = lines.map((line) => `\n    ${line}`).join('');
    return `payloads of ${this.version}, what came at once on one line:${text}`;
  }
}
