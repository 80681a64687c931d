/**
 * Outlives the process that started it by a moment: when its standard input closes, it ends every process and removes
 * every directory that is still registered. See `reaper.ts`.
 */
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReaperOrder } from './reaper.ts';

/** How long a process may take to end by its own signal before SIGKILL, in milliseconds. */
const PATIENCE_MS = 3_000;
const POLL_MS = 25;

const processes = new Map<number, NodeJS.Signals>();
const directories = new Set<string>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line) as ReaperOrder))
  .on('close', () => void reap());

function obey(order: ReaperOrder): void {
  if ('watch' in order) {
    if (order.watch === 'process') processes.set(order.pid, order.signal);
    else directories.add(order.path);
    return;
  }
  if (order.forget === 'process') processes.delete(order.pid);
  else directories.delete(order.path);
}

async function reap(): Promise<void> {
  await Promise.all([...processes].map(([pid, signal]) => end(pid, signal)));
  for (const path of directories) {
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch(() => undefined);
  }
}

async function end(pid: number, signal: NodeJS.Signals): Promise<void> {
  send(pid, signal);
  send(pid, 'SIGCONT');
  const deadline = Date.now() + PATIENCE_MS;
  while (send(pid, 0) && Date.now() < deadline) await sleep(POLL_MS);
  send(pid, 'SIGKILL');
}

/** Signals the process group that `pid` leads. @returns whether there was anything to signal */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
