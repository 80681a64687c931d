import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MikroORM } from '@mikro-orm/postgresql';
import { pino } from 'pino';
import type Stripe from 'stripe';
import { Databases } from '../../../rig/databases.ts';
import {
  createSandbox,
  NEWEST_VERSION,
  type Sandbox,
  type SandboxOptions,
  signatureHeader,
} from '../../../sandbox/index.ts';
import { readWebConfig } from '../../../src/api/config.ts';
import { createApp } from '../../../src/api/index.ts';
import { createGateway, type Gateway, readGatewayConfig } from '../../../src/gateway/index.ts';
import { type Clock, systemClock } from '../../../src/shared/clock.ts';
import { migrate, openDatabase } from '../../../src/shared/database/index.ts';
import type { Logger } from '../../../src/shared/logger.ts';
import { openQueue, QUEUE_NAMES, type QueueName, type QueueOf } from '../../../src/shared/queues/index.ts';
import { connectRedis } from '../../../src/shared/redis.ts';
import { createStripe } from '../../../src/shared/stripe/index.ts';
import { fromUnixSeconds, toUnixSeconds } from '../../../src/shared/unix-time.ts';
import { readWorkerConfig, type WorkerConfig } from '../../../src/workers/config.ts';
import { type RunningWorkers, startWorkers } from '../../../src/workers/worker.ts';
import { Member } from './member.ts';
import { Rows } from './rows.ts';

export const PRICE_MENSUEL = 'price_mensuel';
export const PRICE_ANNUEL = 'price_annuel';
export const INTERNAL_KEY = 'internal-key-of-the-stories';
export const JWT_SECRET = 'a-secret-for-signing-story-tokens';
export const WEBHOOK_SECRET = 'whsec_stories_0123456789';
const TEMPLATE = 'stories_template';

/** When every story begins: 2030-01-15T08:00:00Z. No month nearby is so short that the 15th moves. */
const BEGINNING = 1_894_694_400;

export type WorldOptions = {
  sandbox?: SandboxOptions;
  /** The API version of what the webhook endpoint is sent; Stripe's newest when absent. */
  apiVersion?: string;
  /** Variables of web, worker and gateway to add or replace. */
  env?: Record<string, string>;
  /** How many sets of workers share the queues. */
  workers?: number;
  /** A database to copy instead of an empty, migrated one. */
  template?: string;
};

let databases: Databases | undefined;

/** The run's PostgreSQL server. */
export function testDatabases(): Databases {
  const { TEST_DB_HOST = '', TEST_DB_PORT = '', TEST_DB_USER = '', TEST_DB_PASSWORD = '' } = process.env;
  databases ??= new Databases({
    host: TEST_DB_HOST,
    port: Number(TEST_DB_PORT),
    user: TEST_DB_USER,
    password: TEST_DB_PASSWORD,
  });
  return databases;
}

function prepareTemplate(): Promise<void> {
  return testDatabases().createTemplate(TEMPLATE, async (address) => {
    const orm = await openDatabase({ ...databaseConfig(address.database), poolMax: 2 }, silent);
    await migrate(orm, silent);
    await orm.close();
  });
}

function databaseConfig(name: string) {
  return readWorkerConfigOf({ ...testDatabases().environment(name) }).database;
}

const silent: Logger = pino({ level: process.env.STORY_LOG ?? 'silent' });

const COMMON = {
  STRIPE_SECRET_KEY: 'sk_test_stories',
  STRIPE_PRICE_MENSUEL: PRICE_MENSUEL,
  STRIPE_PRICE_ANNUEL: PRICE_ANNUEL,
};

function readWorkerConfigOf(env: Record<string, string>): WorkerConfig {
  return readWorkerConfig({
    ...COMMON,
    REDIS_URL: process.env.TEST_REDIS_URL ?? '',
    GATEWAY_URL: 'http://127.0.0.1:1',
    INTERNAL_API_KEY: INTERNAL_KEY,
    // Stories call the sweep themselves: what it does must not depend on when it happens to run.
    SWEEP_INTERVAL_SECONDS: '3600',
    RECONCILE_INTERVAL_SECONDS: '0',
    DAILY_CHECKS: 'false',
    ...env,
  });
}

function stripeOf({ stripe }: WorkerConfig): Stripe {
  if (stripe === undefined) throw new Error('A world serves the queues that need Stripe');
  return createStripe(stripe);
}

/**
 * The whole service around a Stripe sandbox, in this process but over real sockets, on a real database and real
 * queues. Time is the sandbox's: `advance` moves it for Stripe and for the service alike.
 */
export class World {
  readonly sandbox: Sandbox;
  readonly rows: Rows;
  readonly clock: Clock;
  readonly databaseName: string;
  readonly orm: MikroORM;
  readonly gatewayUrl: string;
  readonly webUrl: string;
  /** Stripe as the dashboard's people use it. */
  readonly stripe: Stripe;
  readonly workers: RunningWorkers[] = [];
  readonly #parts: Parts;
  readonly #jobs = new EventEmitter();
  readonly #members: Member[] = [];

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.sandbox = parts.sandbox;
    this.clock = parts.clock;
    this.databaseName = parts.databaseName;
    this.orm = parts.orm;
    this.rows = new Rows(parts.orm);
    this.gatewayUrl = parts.gatewayUrl;
    this.webUrl = parts.webUrl;
    this.stripe = stripeOf(parts.workerConfig);
    this.#jobs.setMaxListeners(0);
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    await prepareTemplate();
    const name = `stories_${randomBytes(6).toString('hex')}`;
    await testDatabases().create(name, options.template ?? TEMPLATE);
    const parts = await openParts(name, options);
    const world = new World(parts);
    for (let i = 0; i < (options.workers ?? 1); i++) await world.startWorkers();
    return world;
  }

  /** The sandbox's time. */
  get now(): Date {
    return this.clock.now();
  }

  /** What a process of this installation is told. */
  get environment(): Record<string, string> {
    return this.#parts.environment;
  }

  get queues(): Parts['queues'] {
    return this.#parts.queues;
  }

  /** Starts one more set of workers. */
  async startWorkers(): Promise<RunningWorkers> {
    const { workerConfig, orm, clock, connect } = this.#parts;
    const running = await startWorkers({
      config: workerConfig,
      orm,
      stripe: stripeOf(workerConfig),
      patientRedis: connect('patient'),
      failFastRedis: connect('failFast'),
      clock,
      logger: silent,
    });
    for (const worker of running.workers) {
      worker.on('completed', () => this.#jobs.emit('change'));
      worker.on('failed', () => this.#jobs.emit('change'));
    }
    this.workers.push(running);
    return running;
  }

  /** A user of Matcha with an open browser. */
  async member(options: { email?: string; emailVerified?: boolean } = {}): Promise<Member> {
    const email = options.email ?? `user-${randomBytes(4).toString('hex')}@example.com`;
    const [row] = await this.orm.em
      .fork()
      .execute<{ id: number }[]>(
        'insert into users (username, email, email_verified) values (?, ?, ?) returning id',
        [email.split('@')[0] ?? email, email, options.emailVerified ?? true],
      );
    const member = await Member.open(this, row?.id ?? 0, email);
    this.#members.push(member);
    return member;
  }

  /**
   * Moves time, in steps so that the service keeps up with Stripe as it does in life: what is due in one step is
   * delivered and applied before the next begins.
   * @param seconds how far
   * @param stepSeconds the longest step
   */
  async advance(seconds: number, stepSeconds = seconds): Promise<void> {
    const end = toUnixSeconds(this.now) + seconds;
    while (toUnixSeconds(this.now) < end) {
      await this.sandbox.advance(Math.min(stepSeconds, end - toUnixSeconds(this.now)));
      await this.settle();
    }
  }

  /** Moves time to a moment; see {@link advance}. */
  async advanceTo(moment: Date | null | undefined, stepSeconds?: number): Promise<void> {
    if (moment == null) throw new Error('There is no such moment to advance to');
    await this.advance(toUnixSeconds(moment) - toUnixSeconds(this.now), stepSeconds);
  }

  /** Lets held events go one after the other: those of the named types first, then the rest as they happened. */
  async releaseFirst(...types: string[]): Promise<void> {
    const { deliveries } = this.sandbox;
    const held = deliveries.list().filter(({ state }) => state === 'held');
    const first = types.flatMap((type) => held.filter((delivery) => delivery.type === type));
    for (const event of new Set([...first, ...held].map((delivery) => delivery.event))) {
      deliveries.release({ events: [event] });
      await this.settle();
    }
    deliveries.release();
  }

  /** Sends a webhook that Stripe did not: any event, signed as Stripe would. Answers with the HTTP status. */
  async deliver(event: object): Promise<number> {
    const body = JSON.stringify(event);
    const response = await fetch(`${this.gatewayUrl}/api/stripe/webhook`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'stripe-signature': signatureHeader(body, WEBHOOK_SECRET),
      },
      body,
    });
    return response.status;
  }

  /** Resolves when every event is delivered, every job has run and every message has reached its browser. */
  async settle(): Promise<void> {
    for (let quiet = false; !quiet; ) {
      await this.sandbox.deliveries.idle();
      const changed = once(this.#jobs, 'change', { signal: AbortSignal.timeout(10_000) });
      // Nobody waits for it once the queues are found empty.
      changed.catch(() => undefined);
      quiet = (await this.#isQuiet()) && (await this.#delivered()) && (await this.#isQuiet());
      if (!quiet) await changed;
    }
    const sent = await this.orm.em
      .fork()
      .execute<{ user_id: number; count: string }[]>(
        'select user_id, count(*) from outbox_messages where delivered_at is not null and not silent group by user_id',
      );
    for (const { user_id, count } of sent) {
      await this.#members.find((member) => member.id === user_id)?.hasHeard(Number(count));
    }
  }

  /** Waits for the messages that have no job; one that cannot be delivered gets one. @returns true */
  async #delivered(): Promise<true> {
    await Promise.all(this.workers.map((running) => running.delivered()));
    return true;
  }

  async #isQuiet(): Promise<boolean> {
    const { queues } = this.#parts;
    for (const name of ['stripe-events', 'notifications', 'maintenance'] as const) {
      const counts = await queues[name].getJobCounts('waiting', 'active', 'delayed', 'prioritized');
      // The sweep's next run is always delayed.
      const scheduled = name === 'maintenance' ? 1 : 0;
      const open = Object.values(counts).reduce((sum, count) => sum + count, 0);
      if (open > scheduled) return false;
    }
    return this.sandbox.deliveries.pending === 0;
  }

  /** Runs a maintenance task and waits for what it sets in motion. */
  async maintain(task: Parameters<QueueOf<'maintenance'>['add']>[1]): Promise<void> {
    const job = await this.#parts.queues.maintenance.add(task.task, task, { attempts: 1 });
    await this.settle();
    const failed = (await this.failedJobs('maintenance')).find(({ id }) => id === job.id);
    if (failed) throw new Error(`The maintenance task ${task.task} failed: ${failed.reason}`);
  }

  /** Jobs that were given up, with their reasons. */
  async failedJobs(name: QueueName = 'stripe-events'): Promise<{ id: string; reason: string }[]> {
    const jobs = await this.#parts.queues[name].getFailed();
    return jobs.map((job) => ({ id: job.id ?? '', reason: job.failedReason ?? '' }));
  }

  async close(): Promise<void> {
    for (const member of this.#members) member.close();
    await Promise.all(this.workers.map((running) => running.close()));
    await this.#parts.close();
    await testDatabases().drop(this.databaseName);
  }
}

type Parts = {
  sandbox: Sandbox;
  clock: Clock;
  databaseName: string;
  orm: MikroORM;
  workerConfig: WorkerConfig;
  environment: Record<string, string>;
  gatewayUrl: string;
  webUrl: string;
  queues: { [N in QueueName]: QueueOf<N> };
  connect: (temper: 'patient' | 'failFast') => ReturnType<typeof connectRedis>;
  close: () => Promise<void>;
};

async function openParts(databaseName: string, options: WorldOptions): Promise<Parts> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const webUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const prefix = `{${databaseName}}`;

  const gatewayEnv = {
    GATEWAY_PORT: '0',
    GATEWAY_HOST: '127.0.0.1',
    PAIEMENTS_SERVICE_URL: webUrl,
    JWT_SECRET,
    INTERNAL_API_KEY: INTERNAL_KEY,
    REDIS_URL: process.env.TEST_REDIS_URL ?? '',
    ...options.env,
  };
  const holder: { sandbox?: Sandbox } = {};
  const clock: Clock = {
    now: () => (holder.sandbox ? fromUnixSeconds(holder.sandbox.now) : systemClock.now()),
  };
  const gateway: Gateway = createGateway({ config: readGatewayConfig(gatewayEnv), logger: silent, clock });
  const gatewayUrl = `http://127.0.0.1:${await gateway.listen()}`;
  const sandbox = await createSandbox({
    frozen: true,
    startAt: BEGINNING,
    prices: { mensuel: PRICE_MENSUEL, annuel: PRICE_ANNUEL },
    webhook: {
      url: `${gatewayUrl}/api/stripe/webhook`,
      secret: WEBHOOK_SECRET,
      apiVersion: options.apiVersion ?? NEWEST_VERSION,
    },
    ...options.sandbox,
  });
  holder.sandbox = sandbox;

  const env = {
    ...testDatabases().environment(databaseName),
    STRIPE_API_BASE: sandbox.url,
    GATEWAY_URL: gatewayUrl,
    QUEUE_PREFIX: prefix,
    ...options.env,
  };
  const workerConfig = readWorkerConfigOf(env);
  const webConfig = readWebConfig({
    ...COMMON,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_SUCCESS_URL: 'https://matcha.example/premium',
    STRIPE_CANCEL_URL: 'https://matcha.example/annule',
    ALLOWED_ORIGINS: 'https://matcha.example',
    REDIS_URL: process.env.TEST_REDIS_URL ?? '',
    JWT_SECRET,
    INTERNAL_API_KEY: INTERNAL_KEY,
    ...env,
  });
  const connections: ReturnType<typeof connectRedis>[] = [];
  const connect: Parts['connect'] = (temper) => {
    const connection = connectRedis(process.env.TEST_REDIS_URL ?? '', temper, silent);
    connections.push(connection);
    return connection;
  };
  const orm = await openDatabase(workerConfig.database, silent);
  const redis = connect('failFast');
  await once(redis, 'ready');
  const queues: Parts['queues'] = {
    'stripe-events': openQueue('stripe-events', redis, prefix),
    notifications: openQueue('notifications', redis, prefix),
    maintenance: openQueue('maintenance', redis, prefix),
  };
  const deps = {
    config: webConfig,
    orm,
    redis,
    queues: { ...queues, stripeEvents: queues['stripe-events'] },
    stripe: createStripe(webConfig.stripe),
    isRevoked: async () => false,
    logger: silent,
  };
  serve(server, createApp({ ...deps, clock }), createApp({ ...deps, clock: systemClock }));

  const close = async (): Promise<void> => {
    await sandbox.close();
    await gateway.close();
    server.closeAllConnections();
    server.close();
    await Promise.all(QUEUE_NAMES.map((name) => queues[name].obliterate({ force: true })));
    await Promise.all(QUEUE_NAMES.map((name) => queues[name].close()));
    await forgetAnnouncements(redis);
    for (const connection of connections) connection.disconnect();
    await orm.close();
  };
  return {
    sandbox,
    clock,
    databaseName,
    orm,
    workerConfig,
    environment: { ...COMMON, REDIS_URL: process.env.TEST_REDIS_URL ?? '', ...env },
    gatewayUrl,
    webUrl,
    queues,
    connect,
    close,
  };
}

/** Another world with the same seed makes the same ids, and its gateway must not think them announced. */
async function forgetAnnouncements(redis: ReturnType<typeof connectRedis>): Promise<void> {
  const keys = await redis.keys('gateway:announced:*');
  if (keys.length > 0) await redis.del(...keys);
}

/** Premium is judged by the sandbox's time; a signature's age always by the real one, which Stripe signs with. */
function serve(
  server: Server,
  app: ReturnType<typeof createApp>,
  intake: ReturnType<typeof createApp>,
): void {
  server.on('request', (request, response) => {
    (request.url?.startsWith('/api/stripe/webhook') ? intake : app)(request, response);
  });
}
