import { systemClock } from '../shared/clock.ts';
import { migrate, openDatabase } from '../shared/database/index.ts';
import type { Logger } from '../shared/logger.ts';
import { connectRedis } from '../shared/redis.ts';
import type { ShutdownStack } from '../shared/shutdown.ts';
import { createStripe } from '../shared/stripe/index.ts';
import type { WorkerConfig } from './config.ts';
import { type RunningWorkers, startWorkers } from './worker.ts';

/** Opens the worker process's connections and starts its workers; every closer goes onto the stack. */
export async function openWorkers({
  config,
  logger,
  stack,
}: {
  config: WorkerConfig;
  logger: Logger;
  stack: ShutdownStack;
}): Promise<RunningWorkers> {
  const orm = await openDatabase(config.database, logger);
  stack.push('database', () => orm.close());
  if (config.autoMigrate) await migrate(orm, logger);
  const patientRedis = connectRedis(config.redis.url, 'patient', logger);
  const failFastRedis = connectRedis(config.redis.url, 'failFast', logger);
  stack.push('redis', () => {
    patientRedis.disconnect();
    failFastRedis.disconnect();
  });
  const stripe = createStripe(config.stripe);
  const running = await startWorkers({
    config,
    orm,
    stripe,
    patientRedis,
    failFastRedis,
    clock: systemClock,
    logger,
  });
  stack.push('workers', () => running.close());
  return running;
}
