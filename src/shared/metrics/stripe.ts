import { Histogram } from 'prom-client';
import { registry } from './registry.ts';

const duration = new Histogram({
  name: 'paiements_stripe_request_duration_seconds',
  help: 'Requests to Stripe, each attempt, by operation and status (error: no answer)',
  labelNames: ['operation', 'status'],
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30],
  registers: [registry],
});

/** The words of Stripe's paths that are not ids. What is missing here appears as an id, and so stays bounded. */
const WORDS = new Set(
  (
    'v1 account billing_portal cancel charges checkout coupons customers disputes events expire invoice_payments ' +
    'invoices payment_intents payment_methods prices products refunds search sessions subscriptions webhook_endpoints'
  ).split(' '),
);

/** Counts one request to Stripe. @param seconds until its headers arrived */
export function observeStripeRequest(
  method: string,
  path: string,
  status: number | 'error',
  seconds: number,
): void {
  duration.observe({ operation: operationOf(method, path), status }, seconds);
}

/** `GET /v1/customers/:id` of `GET /v1/customers/cus_9s6XKzkNRiz8i3?expand[]=sources`. */
export function operationOf(method: string, path: string): string {
  const [pathname = ''] = path.split('?', 1);
  const words = pathname
    .split('/')
    .filter((word) => word !== '')
    .map((word) => (WORDS.has(word) ? word : ':id'));
  return `${method} /${words.slice(0, 5).join('/')}`;
}
