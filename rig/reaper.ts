import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the reaper process reads from its standard input, one JSON object a line. */
export type ReaperOrder =
  | { watch: 'process'; pid: number; signal: NodeJS.Signals }
  | { forget: 'process'; pid: number }
  | { watch: 'directory'; path: string }
  | { forget: 'directory'; path: string };

let reaper: ChildProcess | undefined;

/**
 * Tells a small process of our own what to end and remove should this one die without doing so, even by SIGKILL.
 * It notices by the pipe between the two: the kernel closes it, whatever ends us.
 */
export function tellReaper(order: ReaperOrder): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${JSON.stringify(order)}\n`);
}

function startReaper(): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./reaper-process.ts'))], {
    // Its own session, so that neither Ctrl-C nor a closed terminal ends it before its work is done.
    detached: true,
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  // The pipe must not keep this process alive: that it ends is what the reaper waits for.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
}
