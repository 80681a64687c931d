import type { ManagedProcess } from '../../rig/process.ts';
import { emptyRedis, prepareStream, startFloor, startPeer, webhookOf } from '../house.ts';
import { startInstallation } from '../installation.ts';
import { insistOnAll, prepareFlood } from '../load/flood.ts';
import type { Target } from '../load/request.ts';
import { startWatch } from '../measure/stopwatch.ts';
import type { Part } from './part.ts';
import { megabytes, rowOf } from './row.ts';

type Subject = { readonly name: string; readonly process: ManagedProcess; readonly target: Target };
type Figures = Record<string, number>;

/** How fast events are taken, and what one costs the receiver: this service, the floor and the peer in turns. */
export const intake: Part = async (house, options, say) => {
  const database = 'bench_intake';
  const installation = await startInstallation(house, database, { worker: false });
  const subjects: Subject[] = [
    { name: 'floor', ...(await startFloor(house)) },
    { name: 'service', process: installation.web, target: webhookOf(installation.matcha) },
    { name: 'peer', ...(await startPeer(house)) },
  ];

  const measure = async ({ name, process, target }: Subject, events: number): Promise<Figures> => {
    const stream = await prepareStream(house, database, events);
    const flood = await prepareFlood({ target, ...stream, connections: options.connections });
    const stop = startWatch({ receiver: process.pid });
    const result = insistOnAll(await flood.start(), stream.count, name);
    const lap = stop();
    await emptyRedis(house.redis);
    return {
      'accepted/s': result.accepted / result.seconds,
      'p50 ms': result.p50Ms,
      'p99 ms': result.p99Ms,
      'cpu µs/event': lap.cpuUs.receiver / result.accepted,
      'rss MB': megabytes(lap.rssBytes.receiver),
      'request bytes': result.requestBytes,
      'elsewhere %': lap.elsewhere * 100,
    };
  };

  for (const subject of subjects) await measure(subject, options.warmUpEvents);
  const rounds = new Map<string, Figures[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    // Each begins a round once, should being first or last matter.
    const turn = (round - 1) % subjects.length;
    for (const subject of [...subjects.slice(turn), ...subjects.slice(0, turn)]) {
      const figures = await measure(subject, options.events);
      rounds.get(subject.name)?.push(figures);
      say(`intake ${round}: ${subject.name} ${Math.round(figures['accepted/s'] ?? 0)}/s`);
    }
  }
  await Promise.all(subjects.map(({ process }) => process.stop()));
  await installation.stop();
  return subjects.map(({ name }) => rowOf('intake', name, rounds.get(name) ?? []));
};
