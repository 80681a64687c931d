import { startProcess } from '../shared/start-process.ts';
import { readWorkerConfig } from './config.ts';
import { openWorkers } from './open-workers.ts';

await startProcess('worker', readWorkerConfig, async (parts) => {
  await openWorkers(parts);
  const { queues, concurrency } = parts.config.work;
  parts.logger.info({ queues, concurrency }, 'worker ready');
});
