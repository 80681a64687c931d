import { Counter, Histogram } from 'prom-client';
import { registry } from './registry.ts';

const notifications = new Counter({
  name: 'paiements_notifications_total',
  help: 'Messages offered to the gateway, by type and whether it took them',
  labelNames: ['type', 'outcome'],
  registers: [registry],
});

const delay = new Histogram({
  name: 'paiements_notified_delay_seconds',
  help: "From an event's creation at Stripe (whole seconds) to the gateway's answer to the message it caused",
  buckets: [0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400],
  registers: [registry],
});

/** @param type one of the contract's message types */
export function countNotification(type: string, outcome: 'delivered' | 'refused'): void {
  notifications.inc({ type, outcome });
}

/** @param seconds from Stripe's `created` to the gateway's answer */
export function observeNotifiedDelay(seconds: number): void {
  delay.observe(seconds);
}
