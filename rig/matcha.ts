import { borrowRedis } from './borrowed-redis.ts';
import type { Databases } from './databases.ts';
import {
  createSecrets,
  local,
  type Secrets,
  sandboxEnvironment,
  serviceEnvironment,
} from './matcha-environment.ts';
import { Pile } from './pile.ts';
import { freePorts } from './ports.ts';
import { type Durability, type PostgresServer, startPostgres } from './postgres.ts';
import { ManagedProcess, type ProcessOptions, runToEnd } from './process.ts';
import { type RedisServer, startRedis } from './redis.ts';

/** Variables to add or replace, for everything or for one kind of process. */
export type Extra = Readonly<Record<string, string>>;

export type MatchaOptions = {
  /** Of the PostgreSQL server that is started. Default `durable`. */
  readonly durability?: Durability;
  /** A server to use instead of starting one; it is not stopped at the end. */
  readonly postgres?: PostgresServer;
  readonly redis?: RedisServer;
  /** A Redis that is not ours; what is written there has names of its own and is removed at the end. */
  readonly redisUrl?: string;
  /** The variables that lead to a Redis the caller runs: sentinels, a cluster, one with TLS. */
  readonly redisEnv?: Extra;
  /** Default `matcha`. */
  readonly database?: string;
  /** The origin that browsers use, when something stands before the gateway. Default: the gateway's. */
  readonly origin?: string;
  /** How many worker processes. Default 1. */
  readonly workers?: number;
  readonly env?: Extra;
  readonly sandboxEnv?: Extra;
  /** Told after each part that has started, with the time it took in milliseconds. */
  readonly onStep?: (step: string, ms: number) => void;
};

/**
 * Starts the whole installation on free ports: PostgreSQL, Redis, migrations, the Stripe sandbox, web, workers and
 * gateway, with random secrets. Nothing that already runs is touched.
 * @param pile what to close to stop it all, for callers that may be interrupted while this is going on
 */
export async function startMatcha(options: MatchaOptions = {}, pile: Pile = new Pile()): Promise<Matcha> {
  try {
    return await start(options, pile);
  } catch (thrown) {
    await pile.close();
    throw thrown;
  }
}

async function start(options: MatchaOptions, pile: Pile): Promise<Matcha> {
  const timed = stopwatch(options.onStep);
  const postgres =
    options.postgres ??
    pile.add(await timed('postgres', () => startPostgres({ durability: options.durability })));
  const redis = await timed('redis', () => useRedis(options, pile));
  const name = options.database ?? 'matcha';
  await postgres.databases.create(name);

  const [webPort = 0, gatewayPort = 0, sandboxPort = 0] = await freePorts(3);
  const secrets = createSecrets();
  const origin = options.origin ?? local(gatewayPort);
  const database = postgres.databases.environment(name);
  const addresses = { webPort, gatewayPort, sandboxPort, database, redisUrl: redis.url, origin };
  const env = { ...serviceEnvironment(addresses, secrets), ...redis.env, ...options.env };

  await timed('migrations', () =>
    runToEnd({ name: 'migrate', script: 'src/shared/database/migrate-command.ts', env }),
  );
  const matcha = new Matcha({ pile, postgres, redis: redis.server, database: name, secrets, origin, env });
  await timed('processes', async () => {
    await Promise.all([matcha.startWeb(), matcha.startGateway()]);
    // Its first events find somebody to take them, and the workers find it when they ask.
    await matcha.startSandbox({ ...sandboxEnvironment(addresses, secrets), ...options.sandboxEnv });
    await Promise.all(Array.from({ length: options.workers ?? 1 }, () => matcha.startWorker()));
  });
  return matcha;
}

type UsedRedis = { readonly url: string; readonly server: RedisServer | undefined; readonly env: Extra };

async function useRedis(options: MatchaOptions, pile: Pile): Promise<UsedRedis> {
  if (options.redisEnv !== undefined) return { url: '', server: undefined, env: options.redisEnv };
  if (options.redisUrl !== undefined) {
    const { url, env } = pile.add(await borrowRedis(options.redisUrl));
    return { url, server: undefined, env };
  }
  const server = options.redis ?? pile.add(await startRedis());
  return { url: server.url, server, env: {} };
}

function stopwatch(onStep: MatchaOptions['onStep']) {
  return async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    onStep?.(step, performance.now() - start);
    return result;
  };
}

type Parts = {
  readonly pile: Pile;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer | undefined;
  readonly database: string;
  readonly secrets: Secrets;
  readonly origin: string;
  readonly env: Record<string, string>;
};

/** An installation that runs. */
export class Matcha {
  readonly postgres: PostgresServer;
  /** Undefined when the Redis is not ours. */
  readonly redis: RedisServer | undefined;
  readonly databases: Databases;
  /** The database's name. */
  readonly database: string;
  readonly secrets: Secrets;
  /** The origin that browsers use. */
  readonly origin: string;
  /** The environment of web, worker and gateway. */
  readonly env: Readonly<Record<string, string>>;
  readonly webs: ManagedProcess[] = [];
  readonly workers: ManagedProcess[] = [];
  readonly gateways: ManagedProcess[] = [];
  readonly sandboxes: ManagedProcess[] = [];
  readonly #pile: Pile;

  constructor(parts: Parts) {
    this.#pile = parts.pile;
    this.postgres = parts.postgres;
    this.databases = parts.postgres.databases;
    this.redis = parts.redis;
    this.database = parts.database;
    this.secrets = parts.secrets;
    this.origin = parts.origin;
    this.env = parts.env;
  }

  /** Addresses of the first process of each kind. */
  get urls(): { web: string; gateway: string; sandbox: string } {
    const {
      PAIEMENTS_SERVICE_URL: web = '',
      GATEWAY_URL: gateway = '',
      STRIPE_API_BASE: sandbox = '',
    } = this.env;
    return { web, gateway, sandbox };
  }

  /** Every process, in the order in which they were started. */
  get processes(): readonly ManagedProcess[] {
    return [...this.webs, ...this.gateways, ...this.sandboxes, ...this.workers];
  }

  /** Runs one statement in the installation's database. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]> {
    return this.databases.query(this.database, text, values);
  }

  async startSandbox(env: Extra): Promise<ManagedProcess> {
    const ready = { line: /sandbox listening on/ };
    return this.#start(this.sandboxes, { name: 'sandbox', script: 'sandbox/main.ts', env, ready });
  }

  /** Starts a (further) web process. */
  async startWeb(extra: Extra = {}): Promise<ManagedProcess> {
    const env = await this.#envOf('PAIEMENTS_SERVICE_PORT', this.webs, extra);
    const ready = { url: `${local(Number(env.PAIEMENTS_SERVICE_PORT))}/health/ready` };
    return this.#start(this.webs, { name: 'web', script: 'src/api/main.ts', env, ready });
  }

  /** Starts a (further) gateway process. */
  async startGateway(extra: Extra = {}): Promise<ManagedProcess> {
    const env = await this.#envOf('GATEWAY_PORT', this.gateways, extra);
    const url = `${local(Number(env.GATEWAY_PORT))}/api/internal/health`;
    const ready = { url, headers: { 'x-internal-key': this.secrets.internalKey } };
    return this.#start(this.gateways, { name: 'gateway', script: 'src/gateway/main.ts', env, ready });
  }

  /** Starts a (further) worker process. */
  async startWorker(extra: Extra = {}): Promise<ManagedProcess> {
    const ready = { line: /worker ready/i };
    const env = { ...this.env, ...extra };
    return this.#start(this.workers, { name: 'worker', script: 'src/workers/main.ts', env, ready });
  }

  async #start(kind: ManagedProcess[], options: ProcessOptions): Promise<ManagedProcess> {
    const number = kind.length + 1;
    const managed = new ManagedProcess({
      ...options,
      name: number === 1 ? options.name : `${options.name} ${number}`,
    });
    kind.push(this.#pile.add(managed));
    await managed.start();
    return managed;
  }

  /** The first process of a kind takes the announced port, a further one any free port. */
  async #envOf(variable: string, kind: readonly ManagedProcess[], extra: Extra): Promise<Extra> {
    const port = kind.length === 0 ? {} : { [variable]: String((await freePorts(1))[0]) };
    return { ...this.env, ...port, ...extra };
  }

  /** Stops everything that was started, the last first, and removes it. */
  close(): Promise<void> {
    return this.#pile.close();
  }
}
