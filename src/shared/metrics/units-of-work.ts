import { Histogram } from 'prom-client';
import { DURATION_BUCKETS, registry } from './registry.ts';

const size = new Histogram({
  name: 'paiements_unit_of_work_events',
  help: 'Events that were applied in one transaction',
  buckets: [1, 2, 4, 8, 16, 32, 64],
  registers: [registry],
});

const duration = new Histogram({
  name: 'paiements_unit_of_work_duration_seconds',
  help: 'How long a transaction that applies events took, waiting for its locks included',
  labelNames: ['outcome'],
  buckets: DURATION_BUCKETS,
  registers: [registry],
});

/** Counts one transaction. @param seconds from its begin to its end */
export function observeUnitOfWork(events: number, seconds: number, outcome: 'committed' | 'failed'): void {
  size.observe(events);
  duration.observe({ outcome }, seconds);
}
