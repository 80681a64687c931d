import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in ticks of this many microseconds (`getconf CLK_TCK` is 100 everywhere). */
const TICK_US = 10_000;

/**
 * Resident memory of a process, in bytes.
 * @throws when the process is gone, or where there is no `/proc` (anything but Linux)
 */
export function rssBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
}

/** Processor time of a process, of all that descend from it, and of those of them that have ended, in microseconds. */
export function treeCpuUs(root: number): number {
  const stats = readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [{ pid: Number(name), ...statOf(Number(name)) }];
    } catch {
      return [];
    }
  });
  const family = new Set([root]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid);
  }
  return stats
    .filter(({ pid }) => family.has(pid))
    .reduce((sum, { ownTicks, endedTicks }) => sum + (ownTicks + endedTicks) * TICK_US, 0);
}

/** Processor time that the whole machine has spent on anything, in microseconds. */
export function machineCpuUs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_US;
}

function statOf(pid: number): { parent: number; ownTicks: number; endedTicks: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold anything; what follows the last bracket begins with field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ownTicks: field(14) + field(15), endedTicks: field(16) + field(17) };
}
