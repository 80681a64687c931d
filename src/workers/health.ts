import type { MikroORM } from '@mikro-orm/postgresql';
import type { Redis } from 'ioredis';
import { pingDatabase } from '../shared/database/index.ts';
import { succeeds, writeToRedis } from '../shared/health-check.ts';
import type { Logger } from '../shared/logger.ts';
import { jsonPage, type Page } from '../shared/monitoring-server.ts';
import type { RunningWorkers } from './worker.ts';

const SERVICE = 'paiements-worker';

export type WorkerHealthDeps = {
  orm: MikroORM;
  /** Fails fast. */
  redis: Redis;
  queuePrefix: string;
  /** Undefined until they are started. */
  running: () => RunningWorkers | undefined;
  logger: Logger;
};

/** What an orchestrator asks a worker. Being alive depends on nobody else: a restart would not bring Redis back. */
export function createWorkerHealth(deps: WorkerHealthDeps): Record<string, Page> {
  const { orm, redis, queuePrefix, running, logger } = deps;
  return {
    '/health/live': jsonPage(async () => ({ status: 200, body: { alive: true, service: SERVICE } })),
    '/health/ready': jsonPage(async () => {
      const [database, cache] = await Promise.all([
        succeeds('database', () => pingDatabase(orm), logger),
        succeeds('redis', () => writeToRedis(redis, queuePrefix), logger),
      ]);
      const workers = takesJobs(running());
      const ready = database && cache && workers;
      return { status: ready ? 200 : 503, body: { ready, checks: { database, redis: cache, workers } } };
    }),
  };
}

/** Whether every queue this process serves has a worker that takes jobs: started, not paused, not closing. */
function takesJobs(running: RunningWorkers | undefined): boolean {
  if (running === undefined || running.workers.length === 0) return false;
  return running.workers.every(
    (worker) => worker.isRunning() && !worker.isPaused() && worker.closing === undefined,
  );
}
