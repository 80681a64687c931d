import { systemClock } from '../shared/clock.ts';
import { migrate, openDatabase } from '../shared/database/index.ts';
import { SECOND } from '../shared/duration.ts';
import { createLogger } from '../shared/logger.ts';
import { connectRedis } from '../shared/redis.ts';
import { exitOnSignal, ShutdownStack } from '../shared/shutdown.ts';
import { createStripe } from '../shared/stripe/index.ts';
import { readWorkerConfig } from './config.ts';
import { startWorkers } from './worker.ts';

const config = readWorkerConfig(process.env);
const logger = createLogger('worker', config.logging.level);
const stack = new ShutdownStack(logger);
exitOnSignal(stack, logger, 30 * SECOND);

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
logger.info({ queues: config.work.queues, concurrency: config.work.concurrency }, 'worker ready');
