/** Keeps two installations of one working copy apart. Plain JavaScript for Node 18 and newer. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const POLL_MS = 200;

/**
 * Runs `work` while no other process of this machine runs its own under the same directory.
 * @param {string} directory where the lock is kept; outside node_modules, which an installation deletes
 * @param {() => Promise<void>} work
 */
export async function withInstallLock(directory, work) {
  mkdirSync(directory, { recursive: true });
  const lock = join(directory, 'install.lock');
  let waiting = false;
  while (!take(lock)) {
    if (!waiting)
      console.error(`Process ${ownerOf(lock)} is installing the dependencies; waiting for it (${lock}) …`);
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock) {
  // Written first and then given its name, so that nobody ever sees a lock without an owner.
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    removeIfAbandoned(lock);
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Removes the lock of a process that died without doing so. */
function removeIfAbandoned(lock) {
  const owner = ownerOf(lock);
  if (owner === undefined || isAlive(owner)) return;
  // Moved away before it is removed, and moved back should it be another's by now: only one of several who see
  // the same dead owner gets the file.
  const aside = `${lock}.${process.pid}.abandoned`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  if (ownerOf(aside) === owner) rmSync(aside, { force: true });
  else renameSync(aside, lock);
}

/** @returns the process id, or undefined when the file is gone */
function ownerOf(lock) {
  try {
    return Number.parseInt(readFileSync(lock, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
