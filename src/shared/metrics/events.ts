import { Counter, Histogram } from 'prom-client';
import { registry } from './registry.ts';

const events = new Counter({
  name: 'paiements_events_total',
  help: 'Stripe events by type (other: of a type that nothing here handles) and what became of them',
  labelNames: ['type', 'outcome'],
  registers: [registry],
});

const delay = new Histogram({
  name: 'paiements_event_applied_delay_seconds',
  help: "From an event's creation at Stripe (whole seconds) to its commit here",
  buckets: [0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400],
  registers: [registry],
});

/** `failed`: an attempt at applying it failed. `parked`: it waits until somebody is known for it. */
export type CountedOutcome = 'applied' | 'ignored' | 'parked' | 'failed';

/** @param type one of a bounded set */
export function countEvent(type: string, outcome: CountedOutcome): void {
  events.inc({ type, outcome });
}

/** @param seconds from Stripe's `created` to the commit */
export function observeAppliedDelay(seconds: number): void {
  delay.observe(seconds);
}
