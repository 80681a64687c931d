import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseEnvironment } from './base-environment.ts';
import { Child } from './child.ts';
import type { ServerAddress } from './databases.ts';
import { freePort } from './ports.ts';
import { unprivilegedUser } from './postgres-binaries.ts';
import { createPrivateDir } from './private-dir.ts';
import { systemProgram } from './system-program.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;

/** A private PgBouncer before a PostgreSQL server. */
export type PgBouncer = { readonly host: string; readonly port: number; close(): Promise<void> };

/**
 * Starts a PgBouncer in transaction mode: a client has a server connection only while a transaction lasts, and the
 * next transaction may be on another one that somebody else has just used.
 * @param poolSize server connections per database
 * @throws {RigError} when there is none and it cannot be installed
 */
export async function startPgBouncer(server: ServerAddress, poolSize: number): Promise<PgBouncer> {
  const command = await systemProgram(
    {
      what: 'PgBouncer',
      commands: ['pgbouncer'],
      packages: { apt: ['pgbouncer'], dnf: ['pgbouncer'], apk: ['pgbouncer'], brew: ['pgbouncer'] },
    },
    (line) => console.error(line),
  );
  const directory = createPrivateDir('pgbouncer');
  const port = await freePort();
  const [settings, users] = [join(directory.path, 'pgbouncer.ini'), join(directory.path, 'users.txt')];
  await writeFile(users, `"${server.user}" "${server.password}"\n`, { mode: 0o600 });
  await writeFile(
    settings,
    [
      '[databases]',
      `* = host=${server.host} port=${server.port}`,
      '[pgbouncer]',
      `listen_addr = ${HOST}`,
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      `default_pool_size = ${poolSize}`,
      'max_client_conn = 500',
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  // Like PostgreSQL it refuses to run as root.
  const user = await unprivilegedUser();
  if (user) {
    await Promise.all([directory.path, settings, users].map((path) => chown(path, user.uid, user.gid)));
  }
  const child = await Child.start({
    name: 'PgBouncer',
    command,
    args: [settings],
    env: baseEnvironment(),
    cwd: directory.path,
    user,
  });
  const close = async (): Promise<void> => {
    await child.end('SIGINT', STOP_TIMEOUT_MS);
    await directory.remove();
  };
  try {
    await child.waitForLine(/process up/, START_TIMEOUT_MS);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return { host: HOST, port, close };
}
