import { parseArgs } from 'node:util';

export const USAGE = `npm run bench                          intake, pipeline, latency and growth; some twenty minutes
npm run bench -- --quick               the same with less of everything: a look, not a measurement
npm run bench -- --soak                and ten minutes of steady flow, for memory
npm run bench -- --only intake,latency only these parts (intake, pipeline, latency, growth, memory)
npm run bench -- --json FILE           writes every figure of every round, too
Further: --rounds 3  --events 14000  --connections 50  --growth-scale 1  --soak-minutes 10`;

export const PARTS = ['intake', 'pipeline', 'latency', 'growth', 'memory'] as const;
export type PartName = (typeof PARTS)[number];

export type BenchOptions = {
  readonly parts: readonly PartName[];
  readonly quick: boolean;
  /** Measured rounds of each part; the median counts. */
  readonly rounds: number;
  /** Events a round. */
  readonly events: number;
  /** Events before the first round, so that code is compiled and pages are cached. */
  readonly warmUpEvents: number;
  readonly connections: number;
  readonly latencySeconds: number;
  /** 1 is two million events, half a million payments, 200 000 waiting jobs. */
  readonly growthScale: number;
  readonly soakMinutes: number;
  readonly json: string | undefined;
};

/** @throws {TypeError} on what it does not know; @returns undefined when help was asked for */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      events: { type: 'string' },
      connections: { type: 'string' },
      'growth-scale': { type: 'string' },
      'soak-minutes': { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  const soak = values.soak || values['soak-minutes'] !== undefined;
  const all = PARTS.filter((part) => part !== 'memory' || soak);
  return {
    parts: values.only === undefined ? all : values.only.split(',').map(partNamed),
    quick,
    rounds: number('rounds', values.rounds, 3),
    events: number('events', values.events, quick ? 5_600 : 14_000),
    warmUpEvents: quick ? 2_800 : 5_600,
    connections: number('connections', values.connections, 50),
    latencySeconds: quick ? 15 : 60,
    growthScale: number('growth-scale', values['growth-scale'], quick ? 0.02 : 1),
    soakMinutes: number('soak-minutes', values['soak-minutes'], quick ? 1 : 10),
    json: values.json,
  };
}

function partNamed(name: string): PartName {
  const part = PARTS.find((each) => each === name);
  if (!part) throw new TypeError(`--only ${name}: there are ${PARTS.join(', ')}`);
  return part;
}

function number(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!(value > 0)) throw new TypeError(`--${name} ${given}: must be a number above 0`);
  return value;
}
