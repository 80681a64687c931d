import { emptyRedis } from '../house.ts';
import { startInstallation } from '../installation.ts';
import type { Part } from './part.ts';
import { runPipeline } from './pipeline-run.ts';
import { rowOf } from './row.ts';

/** Events until rows are committed and the notifications have reached a gateway, with one web and one worker. */
export const pipeline: Part = async (house, options, say) => {
  const installation = await startInstallation(house, 'bench_pipeline');
  await runPipeline(house, installation, options.warmUpEvents, options.connections);
  const rounds: Record<string, number>[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const figures = await runPipeline(house, installation, options.events, options.connections);
    rounds.push(figures);
    say(`pipeline ${round}: ${Math.round(figures['events/s'] ?? 0)} events/s`);
  }
  await installation.stop();
  await emptyRedis(house.redis);
  return [rowOf('pipeline', 'service', rounds)];
};
