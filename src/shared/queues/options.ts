import type { DefaultJobOptions, WorkerOptions } from 'bullmq';
import { DAY, HOUR, SECOND } from '../duration.ts';
import type { QueueName } from './names.ts';

/** The name under which workers know {@link retryDelayMs}. */
const BACKOFF = 'capped-exponential';

/** A kept job also refuses a second one with its id, so this is how long the first filter of duplicates lasts. */
const KEEP_COMPLETED = { age: HOUR / SECOND, count: 5_000 };
const KEEP_FAILED = { age: (14 * DAY) / SECOND, count: 50_000 };

/**
 * Default job options, one place for all queues. Attempts times the capped delay span hours for
 * events and notifications: an outage of a dependency is waited out, and the sweep drives what still failed then.
 */
export const JOB_OPTIONS: Readonly<Record<QueueName, DefaultJobOptions>> = {
  'stripe-events': {
    attempts: 2_000,
    backoff: { type: BACKOFF },
    removeOnComplete: KEEP_COMPLETED,
    removeOnFail: KEEP_FAILED,
  },
  notifications: {
    attempts: 2_000,
    backoff: { type: BACKOFF },
    removeOnComplete: KEEP_COMPLETED,
    removeOnFail: KEEP_FAILED,
  },
  maintenance: {
    attempts: 5,
    backoff: { type: BACKOFF },
    removeOnComplete: { age: DAY / SECOND, count: 1_000 },
    removeOnFail: KEEP_FAILED,
  },
};

const FIRST_DELAY_MS = 500;
/** Short, because the whole wait is what a user may have to wait once a dependency is back. */
const LONGEST_DELAY_MS = 30 * SECOND;

/**
 * How long to wait before the next attempt, in milliseconds: doubling from half a second up to half a minute, and a
 * random half of it, so that what failed together does not come back together.
 * @param attemptsMade at least 1
 */
export function retryDelayMs(attemptsMade: number): number {
  const full = Math.min(FIRST_DELAY_MS * 2 ** Math.min(attemptsMade - 1, 20), LONGEST_DELAY_MS);
  return Math.round(full * (0.5 + Math.random() / 2));
}

/** What every worker needs so that the queues' retries work. */
export const WORKER_SETTINGS: NonNullable<WorkerOptions['settings']> = {
  backoffStrategy: (attemptsMade) => retryDelayMs(attemptsMade),
};
