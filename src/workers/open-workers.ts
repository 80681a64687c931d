import { systemClock } from '../shared/clock.ts';
import { migrate, openDatabase } from '../shared/database/index.ts';
import type { Logger } from '../shared/logger.ts';
import { openMonitoring } from '../shared/monitoring.ts';
import { connectRedis } from '../shared/redis.ts';
import { checkRedisSafety } from '../shared/redis-safety.ts';
import type { ShutdownStack } from '../shared/shutdown.ts';
import { createStripe } from '../shared/stripe/index.ts';
import { startTracing } from '../shared/tracing/index.ts';
import type { WorkerConfig } from './config.ts';
import { createWorkerHealth } from './health.ts';
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
  await startTracing(config.tracing, 'worker', { logger, stack });
  const orm = await openDatabase(config.database, logger);
  stack.push('database', () => orm.close());
  if (config.autoMigrate) await migrate(orm, logger);
  const patientRedis = connectRedis(config.redis, 'patient', logger);
  const failFastRedis = connectRedis(config.redis, 'failFast', logger);
  stack.push('redis', () => {
    patientRedis.disconnect();
    failFastRedis.disconnect();
  });
  // Opened before the workers and closed after them: probes are answered while the last jobs are being finished.
  let running: RunningWorkers | undefined;
  const watched = { orm, redis: failFastRedis, queuePrefix: config.redis.queuePrefix, logger };
  await openMonitoring({
    ...watched,
    config: config.monitoring,
    process: 'worker',
    health: createWorkerHealth({ ...watched, running: () => running }),
    stack,
  });
  await checkRedisSafety(patientRedis, { ...config.redisSafety, logger });
  const stripe = config.stripe && createStripe(config.stripe);
  const started = await startWorkers({
    config,
    orm,
    stripe,
    patientRedis,
    failFastRedis,
    clock: systemClock,
    logger,
  });
  running = started;
  stack.push('workers', () => started.close());
  return started;
}
