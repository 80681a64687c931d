import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { Databases } from '../../../rig/databases.ts';
import { type SqlClient, withSql } from '../../../rig/sql.ts';
import { createWeb, readWebConfig } from '../../../src/api/index.ts';
import type { ServerLimits } from '../../../src/api/server.ts';
import type { Clock } from '../../../src/shared/clock.ts';
import { openQueue, type QueueName, type QueueOf } from '../../../src/shared/queues/index.ts';
import { connectRedis } from '../../../src/shared/redis.ts';
import { ShutdownStack } from '../../../src/shared/shutdown.ts';
import { checkAnswer } from './description.ts';
import { JWT_SECRET, loginHeaders } from './login.ts';

export const ADMIN_KEY = 'an-internal-key-for-tests';
export const WEBHOOK_SECRET = 'whsec_first_secret_of_the_tests';
export const SECOND_WEBHOOK_SECRET = 'whsec_second_secret_of_the_tests';
export const PRICES = { mensuel: 'price_test_mensuel', annuel: 'price_test_annuel' };
export const APP_ORIGIN = 'https://app.example';

/** Where nothing listens. */
const NOWHERE = 'http://127.0.0.1:9';

export type Answer = { status: number; headers: Headers; body: Body };
/** Loose on purpose: each test asserts the fields it is about. */
// biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested
export type Body = any;

export type Ask = {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is text or bytes already. */
  body?: unknown;
  /** Logs in as this user, the way the gateway passes a login on. */
  as?: number;
};

export type ApiOptions = {
  env?: Record<string, string | undefined>;
  clock?: Clock;
  limits?: Partial<ServerLimits>;
  /** Another process whose database this one works on as well; that one has to be closed last. */
  beside?: Api;
};

/** A web process of its own within the test's, on a database of its own. */
export class Api {
  readonly port: number;
  readonly prefix: string;
  readonly log: string[];
  readonly database: string;
  readonly #stack: ShutdownStack;
  readonly #databases: Databases;
  readonly #redisUrl: string;

  private constructor(parts: {
    port: number;
    prefix: string;
    log: string[];
    database: string;
    stack: ShutdownStack;
    databases: Databases;
    redisUrl: string;
  }) {
    this.port = parts.port;
    this.prefix = parts.prefix;
    this.log = parts.log;
    this.database = parts.database;
    this.#stack = parts.stack;
    this.#databases = parts.databases;
    this.#redisUrl = parts.redisUrl;
  }

  static async start({ env, clock, limits, beside }: ApiOptions = {}): Promise<Api> {
    const databases = new Databases(testServer());
    const log: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) });
    const stack = new ShutdownStack(logger);
    const name = beside?.database ?? `api_${randomUUID().replaceAll('-', '')}`;
    if (beside === undefined) {
      await databases.create(name);
      await databases.query('postgres', `alter database ${name} set timezone to 'Europe/Paris'`);
      stack.push('test database', () => databases.drop(name));
    }
    const prefix = `{test-${name}}`;
    const config = readWebConfig({
      ...databases.environment(name),
      ...environment(prefix),
      ...env,
    });
    try {
      const web = await createWeb({
        config,
        logger,
        stack,
        clock,
        // Our own connections are idle and open whenever a test ends.
        limits: { goodbyeMs: 0, ...limits },
      });
      const port = await web.listen();
      return new Api({ port, prefix, log, database: name, stack, databases, redisUrl: config.redis.url });
    } catch (error) {
      await stack.close();
      throw error;
    }
  }

  async ask(path: string, { method = 'GET', headers, body, as }: Ask = {}): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array || body === undefined;
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: {
        ...(raw ? {} : { 'content-type': 'application/json' }),
        ...(as === undefined ? {} : loginHeaders(as)),
        ...headers,
      },
      body: raw ? (body as string | undefined) : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    const answer = {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
    // Whatever a test is about, every answer it gets has to be as described.
    checkAnswer({ method, path, ...answer });
    return answer;
  }

  /** Runs one statement on the database of this process. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]> {
    return this.#databases.query(this.database, text, values);
  }

  /** Works on a connection of its own, for locks that outlive a statement. */
  session<T>(work: (sql: SqlClient) => Promise<T>): Promise<T> {
    return withSql(this.#databases.address(this.database), work);
  }

  async addUser(id: number, premium: string | null = null): Promise<void> {
    await this.query('insert into users (id, email, email_verified, premium) values ($1, $2, true, $3)', [
      id,
      `user${id}@matcha.example`,
      premium,
    ]);
  }

  /** Looks into a queue, on a connection of its own. */
  async inQueue<N extends QueueName, T>(name: N, look: (queue: QueueOf<N>) => Promise<T>): Promise<T> {
    const connection = connectRedis(this.#redisUrl, 'patient', pino({ level: 'silent' }));
    const queue = openQueue(name, connection, this.prefix);
    try {
      return await look(queue);
    } finally {
      await queue.close();
      connection.disconnect();
    }
  }

  close(): Promise<void> {
    return this.#stack.close();
  }
}

/** One {@link Api} for a suite. Read it inside tests and hooks only. */
export function useApi(options: () => ApiOptions | Promise<ApiOptions> = () => ({})): () => Api {
  let api: Api | undefined;
  before(async () => {
    api = await Api.start(await options());
  });
  after(() => api?.close());
  return () => {
    if (api === undefined) throw new Error('The API of this suite is not started yet');
    return api;
  };
}

function environment(prefix: string): Record<string, string> {
  return {
    PAIEMENTS_SERVICE_PORT: '0',
    PAIEMENTS_SERVICE_HOST: '127.0.0.1',
    LOG_LEVEL: 'trace',
    REDIS_URL: required('TEST_REDIS_URL'),
    QUEUE_PREFIX: prefix,
    STRIPE_SECRET_KEY: 'sk_test_of_the_tests',
    STRIPE_API_BASE: NOWHERE,
    STRIPE_PRICE_MENSUEL: PRICES.mensuel,
    STRIPE_PRICE_ANNUEL: PRICES.annuel,
    STRIPE_WEBHOOK_SECRET: `${WEBHOOK_SECRET},${SECOND_WEBHOOK_SECRET}`,
    STRIPE_SUCCESS_URL: `${APP_ORIGIN}/paiement/succes`,
    STRIPE_CANCEL_URL: `${APP_ORIGIN}/paiement/annule`,
    ALLOWED_ORIGINS: `${APP_ORIGIN},https://www.app.example`,
    JWT_SECRET,
    INTERNAL_API_KEY: ADMIN_KEY,
    AUTO_MIGRATE: 'true',
  };
}

function testServer() {
  return {
    host: required('TEST_DB_HOST'),
    port: Number(required('TEST_DB_PORT')),
    user: required('TEST_DB_USER'),
    password: process.env.TEST_DB_PASSWORD ?? '',
  };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run the tests through mocha's global setup`);
  return value;
}
