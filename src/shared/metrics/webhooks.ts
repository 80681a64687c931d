import { Counter, Gauge } from 'prom-client';
import { SECOND } from '../duration.ts';
import { registry } from './registry.ts';

/** Where an accepted event went: into the queue, into a row because Redis was away, or nowhere (a thin event). */
export type Kept = 'redis' | 'postgres' | 'nowhere';

const accepted = new Counter({
  name: 'paiements_webhooks_accepted_total',
  help: 'Events answered 200, by where they are kept (postgres: stored there because Redis did not take them)',
  labelNames: ['kept'],
  registers: [registry],
});

const rejected = new Counter({
  name: 'paiements_webhooks_rejected_total',
  help: 'Webhook requests not answered 200, by the code of the answer',
  labelNames: ['reason'],
  registers: [registry],
});

let lastAcceptedAt = 0;

new Gauge({
  name: 'paiements_webhook_last_accepted_timestamp_seconds',
  help: 'When this process last accepted an event, Unix time; 0 for not yet',
  registers: [registry],
  collect() {
    this.set(lastAcceptedAt / SECOND);
  },
});

/** The codes the intake answers with; anything else is `other`. */
const REASONS = [
  'missing_signature',
  'stale_signature',
  'invalid_signature',
  'invalid_encoding',
  'invalid_json',
  'not_an_event',
  'body_too_large',
  'unreadable_body',
  'body_too_slow',
  'too_many_bodies',
  'method_not_allowed',
  'event_not_stored',
  'internal_error',
  'other',
];

// From the start, so that the first one is an increase and not a new series.
for (const kept of ['redis', 'postgres', 'nowhere'] satisfies Kept[]) accepted.inc({ kept }, 0);
for (const reason of REASONS) rejected.inc({ reason }, 0);

export function countAccepted(kept: Kept): void {
  accepted.inc({ kept });
  lastAcceptedAt = Date.now();
}

export function countRejected(code: string): void {
  rejected.inc({ reason: REASONS.includes(code) ? code : 'other' });
}
