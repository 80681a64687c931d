import { setTimeout as sleep } from 'node:timers/promises';
import { emptyRedis, prepareStream, webhookOf } from '../house.ts';
import { startInstallation } from '../installation.ts';
import { insistOnAll, prepareFlood } from '../load/flood.ts';
import { rssBytesOf } from '../measure/process-figures.ts';
import { median } from '../measure/statistics.ts';
import type { Part, Row } from './part.ts';
import { megabytes } from './row.ts';

const PER_SECOND = 200;
const EVERY_MS = 5_000;

type Samples = Record<'web' | 'worker', number[]>;

/** Resident memory of web and worker under a steady flow, sampled every five seconds. */
export const memory: Part = async (house, options, say) => {
  const database = 'bench_memory';
  const installation = await startInstallation(house, database);
  const { matcha } = installation;
  const { web, worker } = installation;
  const stream = await prepareStream(house, database, PER_SECOND * 60 * options.soakMinutes);
  const flood = await prepareFlood({
    target: webhookOf(matcha),
    ...stream,
    connections: options.connections,
    perSecond: PER_SECOND,
  });
  const samples: Samples = { web: [], worker: [] };
  let flowing = true;
  const sampling = (async () => {
    while (flowing) {
      samples.web.push(megabytes(rssBytesOf(web.pid)));
      samples.worker.push(megabytes(rssBytesOf(worker.pid)));
      if (samples.web.length % 12 === 0)
        say(
          `memory: web ${samples.web.at(-1)?.toFixed(0)} MB, worker ${samples.worker.at(-1)?.toFixed(0)} MB`,
        );
      await sleep(EVERY_MS);
    }
  })();
  const result = await flood.start();
  flowing = false;
  await sampling;
  insistOnAll(result, stream.count, 'The service');
  await installation.stop();
  await emptyRedis(house.redis);
  return [rowOf('web', samples.web), rowOf('worker', samples.worker)];
};

/** Flat means that the last quarter stands where the second stood: the first is for warming up. */
function rowOf(subject: string, samples: readonly number[]): Row {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const second = median(samples.slice(quarter, 2 * quarter));
  const last = median(samples.slice(-quarter));
  const figures = {
    'peak MB': Math.max(...samples),
    'second quarter MB': second,
    'last quarter MB': last,
    'growth %': (last / second - 1) * 100,
  };
  return { part: 'memory', subject, figures, rounds: samples.map((rss) => ({ 'rss MB': rss })) };
}
