import { z } from 'zod';
import {
  autoMigrate,
  database,
  type Environment,
  flag,
  gatewayTarget,
  httpUrl,
  internalKey,
  list,
  logging,
  monitoring,
  premium,
  readConfig,
  redis,
  redisSafety,
  shortKeys,
  stripe,
  tracing,
  usedIf,
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
    WORKER_CONCURRENCY: wholeNumber(200, 1, 1_000),
    SWEEP_INTERVAL_SECONDS: wholeNumber(30, 1, 3_600),
    RECONCILE_INTERVAL_SECONDS: wholeNumber(900, 0, 86_400),
    DAILY_CHECKS: flag(true),
    WEBHOOK_RETENTION_DAYS: wholeNumber(90, 30, 3_650),
    STRIPE_WEBHOOK_URL: httpUrl().optional(),
  })
  .transform((env) => ({
    queues: [...new Set(env.WORKER_QUEUES.filter(isQueue))],
    concurrency: env.WORKER_CONCURRENCY,
    sweepIntervalSeconds: env.SWEEP_INTERVAL_SECONDS,
    /** How often Stripe's list of events is compared with ours; 0 never. */
    reconcileIntervalSeconds: env.RECONCILE_INTERVAL_SECONDS,
    /** Whether drift and the webhook endpoint are checked every day. */
    dailyChecks: env.DAILY_CHECKS,
    /** How long payloads of applied events are kept, in days. */
    retentionDays: env.WEBHOOK_RETENTION_DAYS,
    /** The address Stripe sends events to, when there are several endpoints with our path. */
    endpointUrl: env.STRIPE_WEBHOOK_URL,
  }));

/**
 * Reads everything the process uses, which depends on the queues it serves: only events and maintenance speak to
 * Stripe, only notifications to the gateway.
 * @throws ConfigError naming everything that is wrong with the environment
 */
export function readWorkerConfig(environment: Environment) {
  const queues = servedBy(environment);
  const keepsBooks = queues.includes('stripe-events') || queues.includes('maintenance');
  const notifies = queues.includes('notifications');
  return readConfig(
    {
      logging,
      database,
      redis,
      redisSafety,
      autoMigrate,
      monitoring,
      tracing,
      work,
      stripe: usedIf(keepsBooks, stripe),
      premium: usedIf(keepsBooks, premium),
      gateway: usedIf(notifies, gatewayTarget),
      internalKey: usedIf(notifies, internalKey),
      shortKeys: usedIf(notifies, shortKeys('INTERNAL_API_KEY')),
    },
    environment,
  );
}

/** All queues when the variable is malformed: its own problem is then named among the others. */
function servedBy({ WORKER_QUEUES: names }: Environment): readonly QueueName[] {
  const read = work.safeParse({ WORKER_QUEUES: names?.trim() || undefined });
  return read.success ? read.data.queues : QUEUE_NAMES;
}

export type WorkerConfig = ReturnType<typeof readWorkerConfig>;
