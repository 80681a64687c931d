import type { Redis } from 'ioredis';
import { type Clock, systemClock } from '../shared/clock.ts';
import { migrate, openDatabase } from '../shared/database/index.ts';
import type { Logger } from '../shared/logger.ts';
import { createRevocationCheck, loginRedisUrl } from '../shared/login-token.ts';
import { openQueue } from '../shared/queues/index.ts';
import { connectRedis } from '../shared/redis.ts';
import type { ShutdownStack } from '../shared/shutdown.ts';
import { createStripe } from '../shared/stripe/index.ts';
import { createApp } from './app.ts';
import type { WebConfig } from './config.ts';
import { DEFAULT_LIMITS, type ServerLimits, WebServer } from './server.ts';

export type WebParts = {
  config: WebConfig;
  logger: Logger;
  /** Gets a closer for everything that is opened here, in the order of opening. */
  stack: ShutdownStack;
  clock?: Clock;
  /** Overrides of {@link DEFAULT_LIMITS}. */
  limits?: Partial<ServerLimits>;
};

/**
 * Builds the web process around its connections. It starts without PostgreSQL or Redis too, since either alone can
 * keep an event; only `AUTO_MIGRATE` insists on the database.
 */
export async function createWeb({
  config,
  logger,
  stack,
  clock = systemClock,
  limits,
}: WebParts): Promise<WebServer> {
  const orm = await openDatabase(config.database, logger);
  stack.push('database', () => orm.close());
  if (config.autoMigrate) await migrate(orm, logger);

  const redis = connectRedis(config.redis.url, 'failFast', logger);
  stack.push('redis', () => redis.disconnect());
  const loginRedis = connectRedis(loginRedisUrl(config.redis.url), 'failFast', logger);
  stack.push('redis of revoked logins', () => loginRedis.disconnect());

  // Else the first events after every start would take the detour through PostgreSQL.
  await Promise.all([firstAttempt(redis), firstAttempt(loginRedis)]);

  const stripeEvents = openQueue('stripe-events', redis, config.redis.queuePrefix);
  const maintenance = openQueue('maintenance', redis, config.redis.queuePrefix);
  for (const queue of [stripeEvents, maintenance]) {
    // The connection logs its own errors; without a listener here one would end the process.
    queue.on('error', (error) => logger.debug({ err: error, queue: queue.name }, 'Queue connection failed'));
    stack.push(`queue ${queue.name}`, () => queue.close());
  }

  const app = createApp({
    config,
    orm,
    redis,
    queues: { stripeEvents, maintenance },
    stripe: createStripe(config.stripe),
    isRevoked: createRevocationCheck(loginRedis),
    clock,
    logger,
  });
  const server = new WebServer(app, config.listening, { ...DEFAULT_LIMITS, ...limits });
  stack.push('http server', () => server.close());
  return server;
}

/** Resolves when a connection's first attempt has succeeded or failed. */
function firstAttempt(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => {
    redis.once('ready', resolve);
    redis.once('close', resolve);
  });
}
