import { type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { SECOND } from '../shared/duration.ts';
import type { Logger } from '../shared/logger.ts';
import { countJobs } from '../shared/metrics/jobs.ts';
import { type JobData, openQueue, type QueueName, WORKER_SETTINGS } from '../shared/queues/index.ts';
import { tracing } from '../shared/tracing/index.ts';
import { type CrewDeps, createCrew } from './crew.ts';
import { DatabaseGate } from './database-gate.ts';
import { keepSchedules } from './maintenance/schedules.ts';
import { createProcessors, type Processors } from './processors.ts';

export type WorkerDeps = Omit<CrewDeps, 'gate' | 'queues'> & {
  /** Waits while Redis is away: taking jobs. */
  patientRedis: Redis;
  /** Fails while Redis is away: adding jobs, which the sweep can do again. */
  failFastRedis: Redis;
};

/** A running set of BullMQ workers. */
export type RunningWorkers = {
  workers: readonly Worker[];
  /** Resolves when nothing is on its way to the gateway outside of the queues. */
  delivered(): Promise<void>;
  /** Stops taking jobs, finishes those in hand, closes. */
  close(): Promise<void>;
};

/**
 * A job whose worker died is offered again after this long. Handlers are safe to run twice, so short is better: a
 * user is waiting for premium.
 */
const LOCK_DURATION_MS = 10 * SECOND;
const STALLED_INTERVAL_MS = 5 * SECOND;
/** A worker that is killed often, with the job in hand, is no reason to give the job up. */
const MAX_STALLED_COUNT = 50;

/** A long run must not keep a sweep, or a user who has just paid, waiting. */
const MAINTENANCE_AT_A_TIME = 4;

/** Builds the object graph and starts a BullMQ worker for every configured queue. */
export async function startWorkers(deps: WorkerDeps): Promise<RunningWorkers> {
  const { config, orm, logger } = deps;
  const prefix = config.redis.queuePrefix;
  const queues = {
    events: openQueue('stripe-events', deps.failFastRedis, prefix),
    notifications: openQueue('notifications', deps.failFastRedis, prefix),
    maintenance: openQueue('maintenance', deps.patientRedis, prefix),
  };
  const gate = new DatabaseGate(orm, logger);
  const stopping = new AbortController();
  const crew = createCrew({ ...deps, gate, queues });
  const processors = createProcessors({ ...crew, gate, clock: deps.clock, stopping: stopping.signal });
  const workers = config.work.queues.map((name) => startWorker(name, processors, deps));
  const stopSchedules = config.work.queues.includes('maintenance')
    ? await keepSchedules(queues.maintenance, config.work, logger)
    : undefined;
  const delivered = async (): Promise<void> => crew.courier?.settled();
  return {
    workers,
    delivered,
    async close() {
      stopSchedules?.();
      stopping.abort();
      await Promise.race([
        Promise.all(workers.map((worker) => worker.close())),
        untilAway(deps.patientRedis).then(() =>
          logger.warn('Redis is away: what is in hand cannot be noted as done, and will be run again'),
        ),
      ]);
      await delivered();
      await Promise.all(Object.values(queues).map((queue) => queue.close()));
    },
  };
}

/** BullMQ closes a worker once Redis has heard of all that it did: without Redis that may never be. */
async function untilAway(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await new Promise((resolve) => redis.once('close', resolve));
}

function startWorker<N extends QueueName>(name: N, processors: Processors, deps: WorkerDeps): Worker {
  const { config, logger } = deps;
  const run = processors[name];
  if (run === undefined) throw new Error(`This process is not configured for ${name}`);
  const worker = new Worker<JobData[N]>(name, (job, token) => run(job, token), {
    connection: deps.patientRedis,
    prefix: config.redis.queuePrefix,
    concurrency: name === 'maintenance' ? MAINTENANCE_AT_A_TIME : config.work.concurrency,
    lockDuration: LOCK_DURATION_MS,
    stalledInterval: STALLED_INTERVAL_MS,
    maxStalledCount: MAX_STALLED_COUNT,
    settings: WORKER_SETTINGS,
    telemetry: tracing()?.telemetry,
  });
  countJobs(worker);
  worker.on('error', (error) =>
    logger.warn({ err: error, queue: name }, `Worker of ${name}: ${error.message}`),
  );
  worker.on('failed', (job, error) => logFailure(logger, name, job, error));
  return worker;
}

function logFailure(logger: Logger, queue: QueueName, job: Job | undefined, error: Error): void {
  const attempts = job?.opts.attempts ?? 1;
  const final = job?.finishedOn !== undefined;
  const correlationId: unknown = job?.data.correlationId;
  logger[final ? 'error' : 'warn'](
    { queue, job: job?.id, type: job?.name, correlationId, attempt: job?.attemptsMade, attempts, err: error },
    `Failed job ${job?.id ?? '(unknown)'} (${job?.name ?? queue}, attempt ${job?.attemptsMade ?? 0} of ${attempts})` +
      (final ? '; it stays failed until somebody retries it' : '; it is tried again'),
  );
}
