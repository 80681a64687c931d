import type { MikroORM } from '@mikro-orm/postgresql';
import { systemClock } from '../../shared/clock.ts';
import { database, logging, premium, readConfig, redis, stripe } from '../../shared/config/index.ts';
import { openDatabase } from '../../shared/database/index.ts';
import { createLogger, type Logger } from '../../shared/logger.ts';
import { openQueue } from '../../shared/queues/index.ts';
import { connectRedis } from '../../shared/redis.ts';
import { createStripe } from '../../shared/stripe/index.ts';
import { Catalog } from '../events/catalog.ts';
import { createFollow } from '../events/follow.ts';
import { queueMessages } from '../events/outbox.ts';
import { createPace } from '../maintenance/pace.ts';

/** What an operator's command works with; `close` ends it. */
export type Workshop = Awaited<ReturnType<typeof openWorkshop>>;

/** @throws ConfigError naming everything that is wrong with the environment */
export async function openWorkshop(name: string) {
  const config = readConfig({ logging, database, redis, stripe, premium }, process.env);
  // Standard output belongs to the command's own lines.
  const logger: Logger = createLogger(name, process.env.LOG_LEVEL ? config.logging.level : 'error');
  const orm: MikroORM = await openDatabase(config.database, logger);
  const connection = connectRedis(config.redis, 'patient', logger);
  const events = openQueue('stripe-events', connection, config.redis.queuePrefix);
  const notifications = openQueue('notifications', connection, config.redis.queuePrefix);
  const maintenance = openQueue('maintenance', connection, config.redis.queuePrefix);
  return {
    orm,
    events,
    notifications,
    logger,
    clock: systemClock,
    stripe: createStripe(config.stripe),
    livemode: config.stripe.livemode,
    catalog: new Catalog(config.stripe.prices),
    policy: config.premium,
    pace: createPace(config.stripe.readsPerSecond),
    follow: createFollow({
      orm,
      events,
      maintenance,
      send: (messages) => queueMessages(notifications, messages),
      logger,
    }),
    async close(): Promise<void> {
      await Promise.all([events.close(), notifications.close(), maintenance.close()]);
      connection.disconnect();
      await orm.close();
    },
  };
}
