import { once } from 'node:events';
import { type Job, Worker } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { JOB_OPTIONS, openQueue, QUEUE_NAMES } from '../../src/shared/queues/index.ts';
import { connectRedis } from '../../src/shared/redis.ts';

/** More than are kept. */
const JOBS = 7_000;
const BATCH = 1_000;
/** What a queue has besides its jobs: lists, sets, markers, its event stream. */
const KEYS_OF_A_QUEUE = 20;

describe('Finished jobs', function () {
  this.timeout(120_000);
  let redis: RedisServer;

  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.close());

  it('leave a bounded number of keys, however many there were', async () => {
    const logger = pino({ level: 'silent' });
    const connection = connectRedis(redis.url, 'patient', logger);
    const look = new Redis(redis.url);
    const queue = openQueue('stripe-events', connection, '{trimming}');
    let left = JOBS;
    const worker = new Worker('stripe-events', async () => undefined, {
      connection,
      prefix: '{trimming}',
      concurrency: 200,
    });
    worker.on('completed', () => {
      left -= 1;
      if (left === 0) worker.emit('drained');
    });
    try {
      const sizes: number[] = [];
      for (let from = 0; from < JOBS; from += BATCH) {
        await queue.addBulk(
          Array.from({ length: BATCH }, (_, index) => ({
            name: 'invoice.paid',
            data: { eventId: `evt_${from + index}`, payload: '{}', correlationId: 'c' },
            opts: { jobId: `evt_${from + index}` },
          })),
        );
        while (left > JOBS - from - BATCH) await once(worker, 'completed');
        sizes.push(await look.dbsize());
      }
      const kept = JOB_OPTIONS['stripe-events'].removeOnComplete as { count: number };
      expect(await queue.getCompletedCount()).to.be.at.most(kept.count);
      expect(sizes.at(-1)).to.be.at.most(kept.count + KEYS_OF_A_QUEUE);
      expect(sizes.at(-1), 'flat once the bound is reached').to.equal(sizes.at(-2));
    } finally {
      await worker.close();
      await queue.close();
      connection.disconnect();
      look.disconnect();
    }
  });

  it('are trimmed by count and by age, on every queue, failed ones too', () => {
    for (const name of QUEUE_NAMES) {
      const { removeOnComplete, removeOnFail } = JOB_OPTIONS[name];
      for (const kept of [removeOnComplete, removeOnFail]) {
        expect(kept, name).to.be.an('object');
        expect((kept as { count: number }).count, name).to.be.within(1, 50_000);
        expect((kept as { age: number }).age, `${name}, in seconds`).to.be.within(60, 30 * 86_400);
      }
    }
  });

  it('of schedules do not pile up: a sweep every half minute leaves one schedule and bounded jobs', async () => {
    const connection = connectRedis(redis.url, 'patient', pino({ level: 'silent' }));
    const queue = openQueue('maintenance', connection, '{trimming}');
    const done: Job[] = [];
    const worker = new Worker('maintenance', async (job) => void done.push(job), {
      connection,
      prefix: '{trimming}',
    });
    try {
      for (let restart = 0; restart < 3; restart++) {
        await queue.upsertJobScheduler('sweep', { every: 50 }, { name: 'sweep', data: { task: 'sweep' } });
      }
      while (done.length < 10) await once(worker, 'completed');
      expect(await queue.getJobSchedulersCount()).to.equal(1);
      expect(await queue.getDelayedCount()).to.be.at.most(1);
    } finally {
      await worker.close();
      await queue.close();
      connection.disconnect();
    }
  });
});
