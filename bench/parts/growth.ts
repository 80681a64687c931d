import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { AS_IN_PRODUCTION, emptyRedis, type House } from '../house.ts';
import { type Installation, startInstallation } from '../installation.ts';
import { growDatabase, growQueue, sizeOf } from './grow.ts';
import type { Part } from './part.ts';
import { runPipeline } from './pipeline-run.ts';
import { rowOf } from './row.ts';

type Figures = Record<string, number>;

const POLL_MS = 50;

/** The pipeline's rate beside big tables and a long queue, against that beside empty ones, in turns. */
export const growth: Part = async (house, options, say) => {
  const size = sizeOf(options.growthScale);
  const grownRedis = house.pile.add(await startRedis(AS_IN_PRODUCTION));
  const empty = { installation: await startInstallation(house, 'bench_empty'), redis: house.redis };
  const grown = {
    installation: await startInstallation(house, 'bench_grown', { redis: grownRedis }),
    redis: grownRedis,
  };
  const subjects = [
    { name: 'empty', ...empty },
    { name: 'grown', ...grown },
  ];
  for (const { installation } of subjects) {
    await runPipeline(house, installation, options.warmUpEvents, options.connections);
    await pause(installation, true);
  }
  say(`growth: making ${size.events} events, ${size.payments} payments`);
  await growDatabase(house, 'bench_grown', size);
  say(`growth: making ${size.jobs} jobs`);
  const jobs = await growQueue(house, 'bench_grown', grownRedis, size.jobs);
  await settle(house, grownRedis);

  const rounds = new Map<string, Figures[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const { name, installation } of round % 2 === 1 ? subjects : subjects.toReversed()) {
      const figures = await runPipeline(house, installation, options.events, options.connections, {
        open: () => pause(installation, false),
        shut: () => pause(installation, true),
      });
      rounds.get(name)?.push(figures);
      say(`growth ${round}: ${name} ${Math.round(figures['events/s'] ?? 0)} events/s`);
    }
  }
  for (const { installation } of subjects) {
    await installation.stop();
  }
  await emptyRedis(house.redis);
  await grownRedis.close();
  const rows = subjects.map(({ name }) => rowOf('growth', name, rounds.get(name) ?? []));
  const sizes: Figures = { events: size.events, payments: size.payments, jobs };
  return [...rows, { part: 'growth', subject: 'size', figures: sizes, rounds: [] }];
};

/** Stops or lets go the queue of events, so that a backlog stays while something else is measured. */
async function pause({ matcha }: Installation, stopped: boolean): Promise<void> {
  const connection = new Redis(matcha.env.REDIS_URL ?? '', { maxRetriesPerRequest: null });
  const queue = new Queue('stripe-events', { connection, prefix: matcha.env.QUEUE_PREFIX });
  await (stopped ? queue.pause() : queue.resume());
  while (stopped && (await queue.getActiveCount()) > 0) await sleep(POLL_MS);
  await queue.close();
  connection.disconnect();
}

/** What filling has left to be written must not be written while something is measured. */
async function settle(house: House, server: RedisServer): Promise<void> {
  await house.postgres.databases.query('bench_grown', 'checkpoint');
  const redis = new Redis(server.url);
  // Refused while one runs, or is due: that one will do.
  await redis.bgrewriteaof().catch(() => undefined);
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info('persistence'))) await sleep(POLL_MS);
  redis.disconnect();
}
