import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { tracing } from '../tracing/index.ts';
import type { JobData, QueueName } from './names.ts';
import { JOB_OPTIONS } from './options.ts';

export type QueueOf<N extends QueueName> = Queue<JobData[N], unknown, string>;

/**
 * Opens the producing side of a queue. With a `failFast` connection, `add` fails at once while Redis is away; with a
 * `patient` one it waits.
 */
export function openQueue<N extends QueueName>(name: N, connection: Redis, prefix: string): QueueOf<N> {
  return new Queue(name, {
    connection,
    prefix,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    defaultJobOptions: JOB_OPTIONS[name],
    telemetry: tracing()?.telemetry,
  });
}
