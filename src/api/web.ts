import type { Redis } from 'ioredis';
import { type Clock, systemClock } from '../shared/clock.ts';
import { migrate, openDatabase } from '../shared/database/index.ts';
import { toError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { createRevocationCheck } from '../shared/login-token.ts';
import { openMonitoring } from '../shared/monitoring.ts';
import { openQueue } from '../shared/queues/index.ts';
import { connectLoginRedis, connectRedis, type LoginRedis } from '../shared/redis.ts';
import { checkRedisSafety, UnsafeRedis } from '../shared/redis-safety.ts';
import type { ShutdownStack } from '../shared/shutdown.ts';
import { createStripe } from '../shared/stripe/index.ts';
import { startTracing } from '../shared/tracing/index.ts';
import { createApp } from './app.ts';
import type { WebConfig } from './config.ts';
import { StripeBudget } from './limits/index.ts';
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
  await startTracing(config.tracing, 'web', { logger, stack });
  if (config.autoMigrate) await migrateFirst(config, logger);
  const orm = await openDatabase(config.database, logger, {
    statementTimeoutMs: config.statements.timeoutMs,
  });
  stack.push('database', () => orm.close());

  const redis = connectRedis(config.redis, 'failFast', logger);
  stack.push('redis', () => redis.disconnect());
  const loginRedis = connectLoginRedis(config.redis, logger);
  stack.push('redis of revoked logins', () => loginRedis.disconnect());

  // Else the first events after every start would take the detour through PostgreSQL.
  await Promise.all([firstAttempt(redis), firstAttempt(loginRedis)]);
  await checkRedisWhenReady(redis, config, logger);

  const stripeEvents = openQueue('stripe-events', redis, config.redis.queuePrefix);
  const maintenance = openQueue('maintenance', redis, config.redis.queuePrefix);
  const notifications = openQueue('notifications', redis, config.redis.queuePrefix);
  for (const queue of [stripeEvents, maintenance, notifications]) {
    // The connection logs its own errors; without a listener here one would end the process.
    queue.on('error', (error) => logger.debug({ err: error, queue: queue.name }, 'Queue connection failed'));
    stack.push(`queue ${queue.name}`, () => queue.close());
  }

  const budget = new StripeBudget({
    redis,
    prefix: config.redis.queuePrefix,
    callsPerSecond: config.stripeBudget.callsPerSecond,
  });
  const app = createApp({
    config,
    orm,
    redis,
    queues: { stripeEvents, maintenance, notifications },
    stripe: createStripe(config.stripe, () => budget.take()),
    isRevoked: createRevocationCheck(loginRedis),
    clock,
    logger,
  });
  const queuePrefix = config.redis.queuePrefix;
  await openMonitoring({ config: config.monitoring, process: 'web', orm, redis, queuePrefix, logger, stack });
  const server = new WebServer(app, config.listening, { ...DEFAULT_LIMITS, ...limits });
  stack.push('http server', () => server.close());
  return server;
}

/** On connections of its own: a migration may take longer than anything a client waits for. */
async function migrateFirst(config: WebConfig, logger: Logger): Promise<void> {
  const orm = await openDatabase(config.database, logger);
  try {
    await migrate(orm, logger);
  } finally {
    await orm.close();
  }
}

/**
 * Web starts while Redis is away, so the check waits for it then; by that time events are being taken, and a Redis
 * that could lose jobs is a warning also where it would have kept the process from starting.
 */
async function checkRedisWhenReady(redis: Redis, config: WebConfig, logger: Logger): Promise<void> {
  const check = async (strict: boolean): Promise<void> => {
    try {
      await checkRedisSafety(redis, { strict, logger });
    } catch (thrown) {
      if (thrown instanceof UnsafeRedis) throw thrown;
      // It went away again, or hangs: events are kept in PostgreSQL then.
      logger.warn({ err: toError(thrown) }, 'Could not look at the settings of Redis');
    }
  };
  if (redis.status === 'ready') return check(config.redisSafety.strict);
  redis.once('ready', () => void check(false));
}

/** Resolves when a connection's first attempt has succeeded or failed. */
function firstAttempt(redis: LoginRedis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => {
    redis.once('ready', resolve);
    redis.once('close', resolve);
    // While no sentinel answers there is no connection that could close.
    redis.once('error', () => resolve());
  });
}
