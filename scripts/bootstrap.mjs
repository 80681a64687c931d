/**
 * Runs a script of this project with the right Node and with its dependencies installed, whatever is there before:
 *
 *     node scripts/bootstrap.mjs demo/main.ts --once
 *
 * Plain JavaScript for Node 18 and newer that needs nothing installed. The dependencies bring the Node that the
 * project is written for (scripts/node); everything after the installation runs with that one.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
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
  if (process.env.npm_lifecycle_event) endWithNpm(child);
  child.on('error', (error) => fail(`Could not run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

/** Neither npm nor the shell it puts between us tells us when it is ended: then what we run is to stop, too. */
function endWithNpm(child) {
  const before = npmAndItsShell();
  const timer = setInterval(() => {
    if (npmAndItsShell() === before) return;
    clearInterval(timer);
    child.kill('SIGTERM');
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** @returns the process ids of our parent and, where the system tells (Linux) and that is a shell, of its parent */
function npmAndItsShell() {
  try {
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${process.ppid}/stat`, 'utf8'));
    return /^(ba|da|a|z)?sh$/.test(name) ? `${process.ppid} ${rest.split(' ')[1]}` : `${process.ppid}`;
  } catch {
    return `${process.ppid}`;
  }
}

function fail(reason) {
  console.error(reason);
  process.exitCode = 1;
}
