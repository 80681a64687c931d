/**
 * Runs a script of this project with the right Node and with its dependencies installed, whatever is there before:
 *
 *     node scripts/bootstrap.mjs demo/main.ts --once
 *
 * Plain JavaScript for Node 18 and newer that needs nothing installed. The dependencies bring the Node that the
 * project is written for (the `node` package); everything after the installation runs with that one.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, InstallError } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** How often it is looked whether npm is still there, in milliseconds. */
const PARENT_CHECK_MS = 300;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const [script, ...args] = process.argv.slice(2);

if (script === undefined || !existsSync(join(ROOT, script))) {
  fail(`Usage: node scripts/bootstrap.mjs <script> [arguments…] (no script ${script ?? 'given'})`);
} else {
  try {
    run(await ensureInstalled(ROOT), [join(ROOT, script), ...args]);
  } catch (thrown) {
    fail(thrown instanceof InstallError ? thrown.message : thrown);
  }
}

/** Replaces this process, as far as Node allows: same terminal, same signals, same end. */
function run(node, words) {
  // The channel closes when this process ends in any way, and tells the script so (see rig/interrupt.ts).
  const child = spawn(node, words, { cwd: ROOT, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event) endWithParent(child);
  child.on('error', (error) => fail(`Could not run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

/** npm ends the shell between us and itself without telling us: then what we run is to stop, too. */
function endWithParent(child) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    child.kill('SIGTERM');
  }, PARENT_CHECK_MS);
  timer.unref();
}

function fail(reason) {
  console.error(reason);
  process.exitCode = 1;
}
