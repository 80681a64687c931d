import jwt from 'jsonwebtoken';
import { customersOf } from '../events/mix.ts';
import { emptyRedis, prepareStream, webhookOf } from '../house.ts';
import { startInstallation } from '../installation.ts';
import { prepareLatency } from '../load/latency.ts';
import { startWatch } from '../measure/stopwatch.ts';
import type { Part } from './part.ts';
import { rowOf } from './row.ts';

const PER_SECOND = 100;

/** From Stripe's POST at the gateway to the frame in the browser, at a hundred events a second. */
export const latency: Part = async (house, options, say) => {
  const database = 'bench_latency';
  const installation = await startInstallation(house, database, { gateway: 'reference' });
  const { matcha, web, worker, gateway } = installation;
  const servers = { redis: installation.redis.pid, postgres: house.postgres.pid };
  const tokenOf = (user: number): string =>
    jwt.sign({ scope: 'access' }, matcha.secrets.jwtSecret, { subject: String(user), expiresIn: '2h' });
  const rounds: Record<string, number>[] = [];
  // Round 0 warms up and is not counted.
  for (let round = 0; round <= options.rounds; round++) {
    const stream = await prepareStream(house, database, PER_SECOND * options.latencySeconds);
    const users = customersOf(stream.count, house.templates.length);
    const prepared = await prepareLatency({
      target: webhookOf(matcha, 'gateway'),
      socketUrl: matcha.urls.gateway.replace('http', 'ws'),
      tokens: Array.from({ length: users }, (_, i) => tokenOf(stream.firstUser + i)),
      ...stream,
      perSecond: PER_SECOND,
    });
    const stop = startWatch({ web: web.pid, worker: worker.pid, gateway: gateway.pid, ...servers });
    const result = await prepared.start();
    const lap = stop();
    if (result.heard < result.announced || result.refused > 0) {
      throw new Error(
        `Of ${result.announced} payments ${result.heard} were heard of, ${result.refused} refused`,
      );
    }
    if (round === 0) continue;
    rounds.push({
      'p50 ms': result.p50Ms,
      'p99 ms': result.p99Ms,
      'max ms': result.maxMs,
      'events/s': result.sentPerSecond,
      'web µs/event': lap.cpuUs.web / stream.count,
      'worker µs/event': lap.cpuUs.worker / stream.count,
      'gateway µs/event': lap.cpuUs.gateway / stream.count,
      'redis µs/event': lap.cpuUs.redis / stream.count,
      'postgres µs/event': lap.cpuUs.postgres / stream.count,
      'all µs/event': lap.ownUs / stream.count,
      samples: result.heard,
      'elsewhere %': lap.elsewhere * 100,
    });
    say(`latency ${round}: p50 ${result.p50Ms.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms`);
  }
  await installation.stop();
  await emptyRedis(house.redis);
  return [rowOf('latency', 'service', rounds)];
};
