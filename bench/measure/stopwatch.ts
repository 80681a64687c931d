import { cpus } from 'node:os';
import { machineCpuUs, rssBytesOf, treeCpuUs } from './process-figures.ts';

/** What happened between start and stop. */
export type Lap<N extends string> = {
  readonly seconds: number;
  /** Of each watched process and its children: processor time used, in microseconds. */
  readonly cpuUs: Readonly<Record<N, number>>;
  /** Of the bench and all that it started, in microseconds. */
  readonly ownUs: number;
  /** Of each watched process, at the end, in bytes. */
  readonly rssBytes: Readonly<Record<N, number>>;
  /** Share of the machine's processor time (0 to 1) that went to processes which are not ours. */
  readonly elsewhere: number;
};

/** Starts measuring; the returned function stops and reports. @param pids the processes to watch, by name */
export function startWatch<N extends string>(pids: Readonly<Record<N, number>>): () => Lap<N> {
  const names = Object.keys(pids) as N[];
  const read = () => ({
    at: performance.now(),
    machineUs: machineCpuUs(),
    ownUs: treeCpuUs(process.pid),
    each: new Map(
      names.map((name) => [name, { cpuUs: treeCpuUs(pids[name]), rssBytes: rssBytesOf(pids[name]) }]),
    ),
  });
  const before = read();
  return () => {
    const after = read();
    const seconds = (after.at - before.at) / 1_000;
    const of = (pick: (name: N) => number): Record<N, number> =>
      Object.fromEntries(names.map((name) => [name, pick(name)])) as Record<N, number>;
    const ownUs = after.ownUs - before.ownUs;
    const othersUs = after.machineUs - before.machineUs - ownUs;
    return {
      seconds,
      cpuUs: of((name) => (after.each.get(name)?.cpuUs ?? 0) - (before.each.get(name)?.cpuUs ?? 0)),
      ownUs,
      rssBytes: of((name) => after.each.get(name)?.rssBytes ?? 0),
      elsewhere: Math.max(0, othersUs / (seconds * 1e6 * cpus().length)),
    };
  };
}
