import type { Worker } from 'bullmq';
import { Counter, Histogram } from 'prom-client';
import { SECOND } from '../duration.ts';
import { DURATION_BUCKETS, registry } from './registry.ts';

/** What came of an attempt. `retried` failed and is tried again; `stalled` lost its worker and is offered again. */
const OUTCOMES = ['completed', 'retried', 'failed', 'stalled'] as const;

const attempts = new Counter({
  name: 'paiements_job_attempts_total',
  help: 'Attempts at jobs that this process has begun',
  labelNames: ['queue'],
  registers: [registry],
});

const outcomes = new Counter({
  name: 'paiements_jobs_total',
  help: 'Attempts at jobs by outcome: completed, retried, failed (for good) or stalled (the worker was lost)',
  labelNames: ['queue', 'outcome'],
  registers: [registry],
});

const duration = new Histogram({
  name: 'paiements_job_duration_seconds',
  help: 'How long completed jobs took from being taken to being done',
  labelNames: ['queue'],
  buckets: [...DURATION_BUCKETS, 30, 60, 300, 1_800],
  registers: [registry],
});

/** Counts what a worker does from now on. */
export function countJobs(worker: Worker): void {
  const queue = worker.name;
  attempts.inc({ queue }, 0);
  for (const outcome of OUTCOMES) outcomes.inc({ queue, outcome }, 0);
  worker.on('active', () => attempts.inc({ queue }));
  worker.on('completed', (job) => {
    outcomes.inc({ queue, outcome: 'completed' });
    if (job.finishedOn && job.processedOn) {
      duration.observe({ queue }, (job.finishedOn - job.processedOn) / SECOND);
    }
  });
  worker.on('failed', (job) =>
    outcomes.inc({ queue, outcome: job?.finishedOn === undefined ? 'retried' : 'failed' }),
  );
  worker.on('stalled', () => outcomes.inc({ queue, outcome: 'stalled' }));
}
