import { randomBytes } from 'node:crypto';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseEnvironment } from './base-environment.ts';
import { Child } from './child.ts';
import { Databases } from './databases.ts';
import { RigError } from './errors.ts';
import { freePort } from './ports.ts';
import { postgresBinaries, type SystemUser, unprivilegedUser } from './postgres-binaries.ts';
import { createPrivateDir, type PrivateDir } from './private-dir.ts';

const HOST = '127.0.0.1';
const USER = 'matcha';
const INITDB_TIMEOUT_MS = 120_000;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const RETRY_MS = 50;
const LINGERING = /pre-existing shared memory block|is another postmaster/;
const READY = /database system is ready to accept (?:read-only )?connections/;

/**
 * `durable` is PostgreSQL's default. `fast` never waits for the disk: right for tests, since what was committed still
 * survives the death of the process (though not of the machine).
 */
export type Durability = 'durable' | 'fast';

const FAST_SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  checkpoint_timeout: '1h',
  max_wal_size: '4GB',
};

export type PostgresOptions = {
  readonly durability?: Durability;
  /** Most connections at once. Default 200. */
  readonly maxConnections?: number;
  /** Further `postgresql.conf` settings. */
  readonly settings?: Readonly<Record<string, string>>;
};

/** Starts a PostgreSQL server of our own: a new data directory, a free port of 127.0.0.1, a random password. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = createPrivateDir('postgres');
  try {
    const user = await unprivilegedUser();
    if (user) await chown(directory.path, user.uid, user.gid);
    const bin = await postgresBinaries(user, directory);
    const password = randomBytes(16).toString('hex');
    await initialise(bin, directory, user, password);
    const server = new PostgresServer({ bin, directory, user, password, port: await freePort(), options });
    await server.start();
    return server;
  } catch (thrown) {
    await directory.remove();
    throw thrown;
  }
}

async function initialise(
  bin: string,
  directory: PrivateDir,
  user: SystemUser | undefined,
  password: string,
): Promise<void> {
  const data = dataOf(directory);
  await mkdir(data, { mode: 0o700 });
  const passwordFile = join(directory.path, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await Promise.all([data, passwordFile].map((path) => chown(path, user.uid, user.gid)));
  const initdb = await Child.start({
    name: 'initdb',
    command: join(bin, 'initdb'),
    args: [
      `--pgdata=${data}`,
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      // A new server that does not survive a power cut is simply made again.
      '--no-sync',
    ],
    env: environment(),
    cwd: directory.path,
    user,
  });
  const timer = setTimeout(() => initdb.signal('SIGKILL'), INITDB_TIMEOUT_MS);
  const { code } = await initdb.exited;
  clearTimeout(timer);
  if (code !== 0) throw initdb.failure('could not create a data directory');
  await rm(passwordFile);
}

function dataOf(directory: PrivateDir): string {
  return join(directory.path, 'data');
}

/** English messages, whatever the machine's language: we wait for one of them. */
function environment(): Record<string, string> {
  return { ...baseEnvironment(), LC_ALL: 'C', LANG: 'C' };
}

type Parts = {
  readonly bin: string;
  readonly directory: PrivateDir;
  readonly user: SystemUser | undefined;
  readonly password: string;
  readonly port: number;
  readonly options: PostgresOptions;
};

/** A private PostgreSQL server. Stopping keeps its data and port; closing removes them. */
export class PostgresServer {
  readonly databases: Databases;
  readonly host = HOST;
  readonly port: number;
  readonly user = USER;
  readonly password: string;
  readonly #parts: Parts;
  #child: Child | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.port = parts.port;
    this.password = parts.password;
    this.databases = new Databases({ host: HOST, port: parts.port, user: USER, password: parts.password });
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  /** Of the server process; its backends are children of it. @throws {RigError} while it does not run */
  get pid(): number {
    if (!this.#child?.running) throw new RigError('PostgreSQL does not run');
    return this.#child.pid;
  }

  /** The last lines of its log. */
  get log(): readonly string[] {
    return this.#child?.log.lines ?? [];
  }

  /** Starts it on the same port and data; recovers first when it had crashed. */
  async start(): Promise<void> {
    if (this.running) throw new RigError(`PostgreSQL already runs on port ${this.port}`);
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const child = await this.#spawn();
      this.#child = child;
      try {
        await child.waitForLine(READY, Math.max(1, deadline - Date.now()));
        return;
      } catch (thrown) {
        // Backends of a killed server need a moment to notice that it is gone.
        const lingering = child.log.lines.some((line) => LINGERING.test(line));
        if (!lingering || Date.now() > deadline) throw thrown;
        await sleep(RETRY_MS);
      }
    }
  }

  /** Starts it as a standby that follows nobody: it answers, and takes no writes until `pg_promote()`. */
  async startAsStandby(): Promise<void> {
    const { directory, user } = this.#parts;
    const signal = join(dataOf(directory), 'standby.signal');
    await writeFile(signal, '');
    if (user) await chown(signal, user.uid, user.gid);
    await this.start();
  }

  #spawn(): Promise<Child> {
    const { bin, directory, user } = this.#parts;
    return Child.start({
      name: 'PostgreSQL',
      command: join(bin, 'postgres'),
      args: ['-D', dataOf(directory), ...this.#settings()],
      env: environment(),
      cwd: directory.path,
      user,
      // SIGQUIT also ends its backends and frees its shared memory, which SIGKILL does not.
      reaperSignal: 'SIGQUIT',
    });
  }

  #settings(): string[] {
    const { durability = 'durable', maxConnections = 200, settings } = this.#parts.options;
    const all = {
      port: String(this.port),
      listen_addresses: HOST,
      // No socket file: TCP is how the service connects, and there is nothing to leave behind.
      unix_socket_directories: '',
      max_connections: String(maxConnections),
      ...(durability === 'fast' ? FAST_SETTINGS : {}),
      ...settings,
    };
    return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  }

  /** Stops it as an administrator would: open transactions are rolled back, everything is written. */
  async stop(): Promise<void> {
    await this.#child?.end('SIGINT', STOP_TIMEOUT_MS);
  }

  /** Stops it without a checkpoint, as a crash would (SIGQUIT); the next start recovers from the log. */
  async stopImmediately(): Promise<void> {
    await this.#child?.end('SIGQUIT', STOP_TIMEOUT_MS);
  }

  /** Kills the server process outright (SIGKILL); its backends notice and follow. */
  async kill(): Promise<void> {
    await this.#child?.end('SIGKILL', STOP_TIMEOUT_MS);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Stops it and removes its data. */
  async close(): Promise<void> {
    await this.stopImmediately();
    await this.#parts.directory.remove();
  }
}
