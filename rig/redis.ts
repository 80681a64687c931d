import { randomBytes } from 'node:crypto';
import { baseEnvironment } from './base-environment.ts';
import { Child } from './child.ts';
import { RigError } from './errors.ts';
import { freePort } from './ports.ts';
import { createPrivateDir, type PrivateDir } from './private-dir.ts';
import { redisBinary } from './redis-binary.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const READY = /ready to accept connections/i;

export type RedisServerOptions = {
  /**
   * What is written to disk: `always` (each command, as production's queue does), `everysec`, or `no` (a restart
   * forgets everything). Default `no`.
   */
  readonly appendFsync?: 'always' | 'everysec' | 'no';
  /** Default: a random one. Servers that talk to each other need the same. */
  readonly password?: string;
  /** Further lines of `redis.conf`. */
  readonly settings?: readonly string[];
  /** Paths of PEM files: it then speaks TLS and nothing else. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Told when a server has to be installed first. Default: standard error. */
  readonly announce?: (line: string) => void;
};

/** Starts a Redis server of our own: a new directory, a free port of 127.0.0.1, a random password. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = await redisBinary(options.announce ?? ((line) => console.error(line)));
  const directory = createPrivateDir('redis');
  try {
    const password = options.password ?? randomBytes(16).toString('hex');
    const server = new RedisServer({ binary, directory, password, port: await freePort(), options });
    await server.start();
    return server;
  } catch (thrown) {
    await directory.remove();
    throw thrown;
  }
}

type Parts = {
  readonly binary: string;
  readonly directory: PrivateDir;
  readonly password: string;
  readonly port: number;
  readonly options: RedisServerOptions;
};

/** A private Redis server. Stopping keeps its directory and port; closing removes the directory. */
export class RedisServer {
  readonly host = HOST;
  readonly port: number;
  readonly password: string;
  readonly url: string;
  readonly #parts: Parts;
  #child: Child | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.port = parts.port;
    this.password = parts.password;
    this.url = `${parts.options.tls ? 'rediss' : 'redis'}://:${parts.password}@${HOST}:${parts.port}`;
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  /** @throws {RigError} while it does not run */
  get pid(): number {
    if (!this.#child?.running) throw new RigError('Redis does not run');
    return this.#child.pid;
  }

  /** The last lines of its log. */
  get log(): readonly string[] {
    return this.#child?.log.lines ?? [];
  }

  /** Starts it on the same port and directory. */
  async start(): Promise<void> {
    if (this.running) throw new RigError(`Redis already runs on port ${this.port}`);
    this.#child = await Child.start({
      name: 'Redis',
      command: this.#parts.binary,
      // The configuration goes through standard input: arguments, and so the password, are visible to everyone.
      args: ['-'],
      input: this.#configuration(),
      env: baseEnvironment(),
      cwd: this.#parts.directory.path,
    });
    await this.#child.waitForLine(READY, START_TIMEOUT_MS);
  }

  #configuration(): string {
    const { appendFsync = 'no', settings = [], tls } = this.#parts.options;
    return [
      `bind ${HOST}`,
      ...(tls ? tlsSettings(this.port, tls) : [`port ${this.port}`]),
      `requirepass ${this.password}`,
      `dir ${JSON.stringify(this.#parts.directory.path)}`,
      'daemonize no',
      'save ""',
      `appendonly ${appendFsync === 'no' ? 'no' : 'yes'}`,
      `appendfsync ${appendFsync}`,
      // A queue must never lose jobs to make room (BullMQ warns about anything else).
      'maxmemory-policy noeviction',
      ...settings,
      '',
    ].join('\n');
  }

  /** Stops it in order (SIGTERM). */
  async stop(): Promise<void> {
    await this.#child?.end('SIGTERM', STOP_TIMEOUT_MS);
  }

  /** Ends it at once, as a crash would (SIGKILL). */
  async kill(): Promise<void> {
    await this.#child?.end('SIGKILL', STOP_TIMEOUT_MS);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Lets it hang: connections stay open and nothing answers, until {@link thaw}. */
  freeze(): void {
    this.#child?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#child?.signal('SIGCONT');
  }

  /** Ends it and removes its directory. */
  async close(): Promise<void> {
    await this.kill();
    await this.#parts.directory.remove();
  }
}

function tlsSettings(port: number, { cert, key, ca }: NonNullable<RedisServerOptions['tls']>): string[] {
  return [
    'port 0',
    `tls-port ${port}`,
    `tls-cert-file ${JSON.stringify(cert)}`,
    `tls-key-file ${JSON.stringify(key)}`,
    `tls-ca-cert-file ${JSON.stringify(ca)}`,
    // Clients prove themselves by the password.
    'tls-auth-clients no',
  ];
}
