/**
 * Brings node_modules to what package-lock.json says. Plain JavaScript for Node 18 and newer.
 *
 * No package's own script is run: npm checks the integrity of what it unpacks, and of nothing that a script fetches
 * or does. Two things are finished here instead, both links (see installed-links.mjs).
 */
import { spawn } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { withInstallLock } from './install-lock.mjs';
import { areLinked, link, pinnedNode } from './installed-links.mjs';

const NODE_MAJOR = 24;

/** Why the dependencies could not be installed, for people to read. */
export class InstallError extends Error {}

/**
 * Installs what is missing, once even when several processes ask at the same time.
 * @param {string} root the project's directory
 * @returns {Promise<string>} the Node to run the project with
 */
export async function ensureInstalled(root) {
  if (!isComplete(root)) {
    await withInstallLock(join(root, '.rig'), async () => {
      // Whoever held the lock before us may have done it all.
      if (!isComplete(root)) await install(root);
    });
  }
  return pinnedNode(root) ?? process.execPath;
}

async function install(root) {
  if (!sameAsLock(root)) {
    console.error('Installing the dependencies (npm ci) …');
    await npm(root, [
      'ci',
      '--include=dev',
      '--include=optional',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]);
  }
  link(root);
  const node = pinnedNode(root) ?? process.execPath;
  const found = await versionOf(node);
  if (Number.parseInt(found, 10) >= NODE_MAJOR) return;
  throw new InstallError(
    node === process.execPath
      ? `This project runs on Node ${NODE_MAJOR} or newer. Its own dependencies bring that for Linux on x64 and arm64 only; ` +
          `yours is ${found}, so install Node ${NODE_MAJOR} (https://nodejs.org) and run this again.`
      : `This project runs on Node ${NODE_MAJOR} or newer, which its own dependencies bring, but ${node} ` +
          `${found === '' ? 'does not run' : `is ${found}`}. Delete node_modules and run this again; if it stays so ` +
          `(on a Linux without glibc, say), install Node ${NODE_MAJOR} yourself and delete ${dirname(dirname(realpathSync(node)))}.`,
  );
}

function isComplete(root) {
  return sameAsLock(root) && areLinked(root);
}

/**
 * Compares package-lock.json with the list npm leaves in node_modules when it has finished.
 * Optional packages may be absent: they are for other platforms.
 */
function sameAsLock(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined)
    throw new InstallError('package-lock.json is missing or damaged; restore it from git.');
  if (present === undefined) return false;
  const complete = Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const installed = present[path];
    if (installed === undefined) return Boolean(entry.optional || entry.devOptional);
    const sameContent = !installed.integrity || !entry.integrity || installed.integrity === entry.integrity;
    return installed.version === entry.version && sameContent;
  });
  return complete && Object.keys(present).every((path) => wanted[path] !== undefined);
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function npm(root, words) {
  return new Promise((done, reject) => {
    const child = spawn('npm', words, {
      cwd: root,
      env: environmentForNpm(root),
      // npm's progress belongs to people; standard output stays the script's own.
      stdio: ['ignore', 2, 2],
    });
    child.on('error', (error) =>
      reject(
        new InstallError(
          error.code === 'ENOENT'
            ? 'npm was not found on the PATH. It comes with Node (https://nodejs.org); install it and run this again.'
            : `npm could not be started: ${error.message}`,
        ),
      ),
    );
    child.on('exit', (code, signal) => {
      if (code === 0) done();
      else
        reject(
          new InstallError(
            `npm ${words[0]} failed (${signal ?? `exit code ${code}`}); see its messages above.`,
          ),
        );
    });
  });
}

/**
 * Without this project's own node_modules/.bin on the PATH, which `npm run` puts there: `npm ci` deletes the Node
 * in it, and must not itself be running on that one.
 */
function environmentForNpm(root) {
  const own = join(root, 'node_modules', '.bin');
  const path = (process.env.PATH ?? '').split(delimiter).filter((directory) => resolve(directory) !== own);
  return { ...process.env, PATH: path.join(delimiter) };
}

/** @returns the version of a Node, for example `24.1.0`, or the empty string when it does not run */
function versionOf(node) {
  return new Promise((done) => {
    let output = '';
    const child = spawn(node, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', () => done(''));
    child.on('close', () => done(output.trim().replace(/^v/, '')));
  });
}
