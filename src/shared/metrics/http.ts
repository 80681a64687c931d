import { Counter, Gauge, Histogram } from 'prom-client';
import { SECOND } from '../duration.ts';
import { bodiesInHand } from '../http/body-budget.ts';
import { DURATION_BUCKETS, registry } from './registry.ts';

const duration = new Histogram({
  name: 'paiements_http_request_duration_seconds',
  help: 'HTTP requests by the pattern of their route, and how long they took',
  labelNames: ['method', 'route', 'status'],
  buckets: DURATION_BUCKETS,
  registers: [registry],
});

new Gauge({
  name: 'paiements_http_body_bytes',
  help: 'Bytes of request bodies in memory: still arriving, or being worked on',
  registers: [registry],
  collect() {
    this.set(bodiesInHand.bytes);
  },
});

new Counter({
  name: 'paiements_http_bodies_refused_total',
  help: 'Requests answered 503 because too many bytes of bodies were in memory',
  registers: [registry],
  collect() {
    this.reset();
    this.inc(bodiesInHand.refused);
  },
});

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Counts one answered request.
 * @param route the route's pattern, never the path that was asked for: that has no end of values
 * @param startedAt of `performance.now()`, in milliseconds
 */
export function countRequest(
  method: string | undefined,
  route: string,
  status: number,
  startedAt: number,
): void {
  duration.observe(
    { method: METHODS.has(method ?? '') ? method : 'other', route, status },
    (performance.now() - startedAt) / SECOND,
  );
}
