import { Counter } from 'prom-client';
import { registry } from './registry.ts';

const missing = new Counter({
  name: 'paiements_reconcile_missing_events_total',
  help: 'Events in the list of Stripe, more than five minutes old, that had never arrived here',
  registers: [registry],
});

export function countMissingEvents(count: number): void {
  missing.inc(count);
}
