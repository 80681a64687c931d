import { z } from 'zod';
import {
  autoMigrate,
  database,
  gatewayTarget,
  internalKey,
  list,
  logging,
  premium,
  readConfig,
  redis,
  stripe,
  wholeNumber,
} from '../shared/config/index.ts';
import { QUEUE_NAMES, type QueueName } from '../shared/queues/index.ts';

const isQueue = (name: string): name is QueueName => QUEUE_NAMES.some((known) => known === name);

/** `WORKER_QUEUES` (all by default) and `WORKER_CONCURRENCY` (jobs in hand per queue). */
const work = z
  .object({
    WORKER_QUEUES: list()
      .refine(
        (names) => names.length > 0 && names.every(isQueue),
        `must be some of ${QUEUE_NAMES.join(', ')}, comma-separated`,
      )
      .default([...QUEUE_NAMES]),
    WORKER_CONCURRENCY: wholeNumber(100, 1, 1_000),
    SWEEP_INTERVAL_SECONDS: wholeNumber(30, 1, 3_600),
  })
  .transform((env) => ({
    queues: env.WORKER_QUEUES.filter(isQueue),
    concurrency: env.WORKER_CONCURRENCY,
    sweepIntervalSeconds: env.SWEEP_INTERVAL_SECONDS,
  }));

const parts = {
  logging,
  database,
  redis,
  stripe,
  premium,
  gateway: gatewayTarget,
  internalKey,
  autoMigrate,
  work,
};

/** @throws ConfigError naming everything that is wrong with the environment */
export function readWorkerConfig(environment: NodeJS.ProcessEnv) {
  return readConfig(parts, environment);
}

export type WorkerConfig = ReturnType<typeof readWorkerConfig>;
