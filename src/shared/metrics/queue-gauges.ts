import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import { SECOND } from '../duration.ts';
import type { Logger } from '../logger.ts';
import { openQueue, QUEUE_NAMES, type QueueName } from '../queues/index.ts';
import { Gauges } from './gauges.ts';
import { Snapshot } from './snapshot.ts';

const STATES = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'] as const;

type Reading = { queue: QueueName; jobs: Record<string, number>; oldestAgeSeconds: number };

/**
 * Adds what is on the queues. Every process tells of all queues, whether it serves them or not: when every worker is
 * gone, web still says how much waits.
 * @param redis fails fast
 * @returns what to close
 */
export function addQueueGauges(
  registry: Registry,
  { redis, prefix, logger }: { redis: Redis; prefix: string; logger: Logger },
): { close(): Promise<void> } {
  const queues = QUEUE_NAMES.map((name) => {
    const queue = openQueue(name, redis, prefix);
    queue.on('error', (error) => logger.debug({ err: error, queue: name }, 'Queue connection failed'));
    return queue;
  });
  const read = (): Promise<Reading[]> =>
    Promise.all(
      queues.map(async (queue) => {
        const jobs = await queue.getJobCounts(...STATES);
        // News goes to the head of its queue: the oldest is the next one, or the last one.
        const ends = await Promise.all([true, false].map((asc) => queue.getJobs(['wait'], 0, 0, asc)));
        const added = ends.flat().map(({ timestamp }) => timestamp);
        const oldestAgeSeconds = Math.max(0, Date.now() - Math.min(Date.now(), ...added)) / SECOND;
        return { queue: queue.name as QueueName, jobs, oldestAgeSeconds };
      }),
    );
  const gauges = new Gauges(registry, new Snapshot('the queues', read, logger));
  gauges.up('paiements_redis_up', 'Whether Redis answers what the queues ask');
  gauges.values('paiements_queue_jobs', 'Jobs by queue and state', ['queue', 'state'], (readings) =>
    readings.flatMap(({ queue, jobs }) =>
      Object.entries(jobs).map(([state, count]): [Record<'queue' | 'state', string>, number] => [
        { queue, state },
        count,
      ]),
    ),
  );
  gauges.values(
    'paiements_queue_oldest_waiting_age_seconds',
    'Since when the oldest waiting job of a queue was added; 0 when none waits',
    ['queue'],
    (readings) => readings.map(({ queue, oldestAgeSeconds }) => [{ queue }, oldestAgeSeconds]),
  );
  return {
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
