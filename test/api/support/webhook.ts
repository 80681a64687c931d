import { createHmac } from 'node:crypto';
import { WEBHOOK_SECRET } from './api.ts';

let sequence = 0;

/** A Stripe event, as little of it as the intake reads. */
export function stripeEvent(overrides: Record<string, unknown> = {}): {
  id: string;
  type: string;
  [key: string]: unknown;
} {
  sequence += 1;
  return {
    id: `evt_test_${Date.now()}_${sequence}`,
    object: 'event',
    type: 'invoice.paid',
    api_version: '2026-10-28.endive',
    created: 1_790_000_000,
    livemode: false,
    data: { object: { id: 'in_1', object: 'invoice', note: 'é ✓  two  spaces' } },
    ...overrides,
  };
}

/** Signs like Stripe: HMAC-SHA256 over `<time>.<bytes>`. Independent of the SDK that checks it. */
export function signatureOf(
  body: string | Uint8Array,
  { secret = WEBHOOK_SECRET, at = Date.now() }: { secret?: string; at?: number } = {},
): string {
  const time = Math.floor(at / 1_000);
  const digest = createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex');
  return `t=${time},v1=${digest}`;
}

/** A delivery as Stripe makes it. */
export function delivery(
  body: string | Uint8Array,
  signature: string | undefined = signatureOf(body),
): { method: string; headers: Record<string, string>; body: string | Uint8Array } {
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(signature === undefined ? {} : { 'stripe-signature': signature }),
    },
    body,
  };
}
