import { Redis } from 'ioredis';
import type { Matcha } from '../rig/matcha.ts';
import { PRICES } from '../rig/matcha-environment.ts';
import type { Pile } from '../rig/pile.ts';
import { freePorts } from '../rig/ports.ts';
import { type PostgresServer, startPostgres } from '../rig/postgres.ts';
import { ManagedProcess } from '../rig/process.ts';
import { type RedisServer, type RedisServerOptions, startRedis } from '../rig/redis.ts';
import { NEWEST_VERSION } from '../sandbox/index.ts';
import { customersOf, stripeCustomerOf, wholePurchases } from './events/mix.ts';
import { recordPurchase, type Template } from './events/templates.ts';
import type { FloodOrder } from './load/flood.ts';
import type { Target } from './load/request.ts';

const WEBHOOK_PATH = '/api/stripe/webhook';

/** The servers that everything measured shares, and what is sent. */
export type House = {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly templates: readonly Template[];
  readonly pile: Pile;
  /** Makes the next stream of events: nobody has seen its ids. */
  nextStream(): string;
};

/** As `docs/scaling.md` asks: each write is on the disk before it is answered, and the log is rewritten seldom. */
export const AS_IN_PRODUCTION: RedisServerOptions = {
  appendFsync: 'always',
  settings: ['auto-aof-rewrite-min-size 512mb'],
};

/** Starts PostgreSQL and Redis as production has them: both have written to disk what they confirm. */
export async function openHouse(pile: Pile): Promise<House> {
  const postgres = pile.add(
    await startPostgres({
      durability: 'durable',
      settings: { shared_buffers: '512MB', max_wal_size: '4GB' },
    }),
  );
  const redis = pile.add(await startRedis(AS_IN_PRODUCTION));
  const templates = await recordPurchase(PRICES);
  let streams = 0;
  // The time makes streams of one run unlike those of any other, should a database be kept.
  const run = Date.now().toString(36);
  return {
    postgres,
    redis,
    templates,
    pile,
    nextStream: () => {
      streams += 1;
      return `B${run}R${streams}`;
    },
  };
}

/** Where an installation takes events. */
export function webhookOf(matcha: Matcha, through: 'web' | 'gateway' = 'web'): Target {
  const { hostname, port } = new URL(matcha.urls[through]);
  return { host: hostname, port: Number(port), path: WEBHOOK_PATH, secret: matcha.secrets.webhookSecret };
}

/** Starts the floor on a free port. */
export async function startFloor(house: House): Promise<{ process: ManagedProcess; target: Target }> {
  const [port = 0] = await freePorts(1);
  const secret = 'whsec_floor_0123456789';
  const process = house.pile.add(
    new ManagedProcess({
      name: 'floor',
      script: 'bench/receivers/floor.ts',
      env: { NODE_ENV: 'production', FLOOR_PORT: String(port), REDIS_URL: house.redis.url, SECRET: secret },
      ready: { line: /floor ready/ },
    }),
  );
  await process.start();
  return { process, target: { host: '127.0.0.1', port, path: WEBHOOK_PATH, secret } };
}

/** Starts the peer on a free port, with a database of its own on the same server. */
export async function startPeer(house: House): Promise<{ process: ManagedProcess; target: Target }> {
  const [port = 0] = await freePorts(1);
  const secret = 'whsec_peer_0123456789';
  const { host, port: dbPort, user, password } = house.postgres;
  await house.postgres.databases.create('peer');
  // Its migrations name this role as an owner.
  await house.postgres.databases.query('peer', 'create role postgres');
  const process = house.pile.add(
    new ManagedProcess({
      name: 'peer',
      script: 'bench/receivers/peer.cjs',
      env: {
        NODE_ENV: 'production',
        PEER_PORT: String(port),
        SECRET: secret,
        API_VERSION: NEWEST_VERSION,
        DATABASE_URL: `postgresql://${user}:${password}@${host}:${dbPort}/peer`,
      },
      ready: { line: /peer ready/ },
    }),
  );
  await process.start();
  return { process, target: { host: '127.0.0.1', port, path: '/webhooks', secret } };
}

/** A round's events: about `wanted`, ending with whole purchases, of users who exist in the database. */
export async function prepareStream(
  house: House,
  database: string,
  wanted: number,
): Promise<Pick<FloodOrder, 'templates' | 'stream' | 'firstUser' | 'count'>> {
  const kinds = house.templates.length;
  const count = wholePurchases(wanted, kinds);
  const stream = house.nextStream();
  const firstUser = await addUsers(house, database, stream, customersOf(count, kinds));
  return { templates: house.templates, stream, firstUser, count };
}

/** Registers users whose Stripe customers are known, as after a checkout was opened. @returns the first one's id */
export async function addUsers(
  { postgres }: House,
  database: string,
  stream: string,
  howMany: number,
): Promise<number> {
  const [last] = await postgres.databases.query(database, `select coalesce(max(id), 0) as id from users`);
  const firstUser = Number(last?.id) + 1;
  const prefix = stripeCustomerOf(stream, 0).slice(0, -1);
  await postgres.databases.query(
    database,
    `insert into users (id, username, email, email_verified)
     select n, 'user-' || n, 'user-' || n || '@bench.example', true from generate_series($1::int, $2::int) as n`,
    [firstUser, firstUser + howMany - 1],
  );
  await postgres.databases.query(
    database,
    `insert into customers (user_id, stripe_customer_id, livemode, preferred, linked_by)
     select n, $3 || (n - $1), false, true, 'checkout' from generate_series($1::int, $2::int) as n`,
    [firstUser, firstUser + howMany - 1, prefix],
  );
  return firstUser;
}

/** Empties a Redis between two rounds, so that no round works among the jobs of the one before. */
export async function emptyRedis(server: RedisServer): Promise<void> {
  const redis = new Redis(server.url);
  try {
    await redis.flushall();
    // The log of the round before would otherwise be rewritten in the middle of this one.
    await redis.bgrewriteaof().catch(() => undefined);
  } finally {
    redis.disconnect();
  }
}
