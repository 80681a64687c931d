import jwt from 'jsonwebtoken';
import type { Matcha } from '../../../rig/matcha.ts';
import { poll } from '../../../rig/poll.ts';
import { signatureHeader } from '../../../sandbox/index.ts';

/** Each process takes any free port; its log says which. */
export const WATCHED = { METRICS_PORT: '0', METRICS_HOST: '127.0.0.1' };

const TIMEOUT_MS = 60_000;

/** Waits until a condition on the outside holds. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const held = await poll(async () => (await holds()) || undefined, { everyMs: 50, timeoutMs: TIMEOUT_MS });
  if (!held) throw new Error(`Not within ${TIMEOUT_MS} ms: ${what}`);
}

/** Adds a user; answers with their id and how the gateway vouches for them. */
export async function addUser(
  matcha: Matcha,
): Promise<{ id: number; email: string; headers: Record<string, string> }> {
  const email = `payer-${Date.now()}@matcha.example`;
  const [row] = await matcha.query(
    'insert into users (username, email, email_verified) values ($1, $1, true) returning id',
    [email],
  );
  const id = Number(row?.id);
  const [secret = ''] = matcha.secrets.jwtSecret.split(',');
  const token = jwt.sign({ scope: 'access' }, secret, { subject: String(id), expiresIn: '1h' });
  return { id, email, headers: { 'x-user-id': String(id), 'x-jwt-token': token } };
}

/** Asks web as a user, straight: what the gateway adds is in `headers`. @returns the answer's `data` */
export async function ask<T>(
  matcha: Matcha,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: object } = {},
): Promise<T> {
  const response = await fetch(`${matcha.urls.web}${path}`, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${text}`);
  return (JSON.parse(text) as { data: T }).data;
}

/** One of the sandbox's control actions. */
export async function sandbox(matcha: Matcha, action: string, body: object = {}): Promise<unknown> {
  const response = await fetch(`${matcha.urls.sandbox}/_sandbox/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${action} answered ${response.status} ${await response.text()}`);
  return response.json();
}

/** A user buys a month on Stripe's page. What follows from that is on its way. */
export async function buy(matcha: Matcha): Promise<Awaited<ReturnType<typeof addUser>>> {
  const user = await addUser(matcha);
  const { id } = await ask<{ id: string }>(matcha, 'POST', '/api/stripe/subscription', {
    headers: user.headers,
    body: { plan_type: 'mensuel' },
  });
  await sandbox(matcha, 'complete-checkout', { session: id, email: user.email });
  return user;
}

/** How many events Stripe has sent us. */
async function eventsSent(matcha: Matcha): Promise<number> {
  const { deliveries } = (await sandbox(matcha, 'deliveries')) as { deliveries: { event: string }[] };
  return new Set(deliveries.map(({ event }) => event)).size;
}

/**
 * Resolves when a purchase is on the books, every event applied and every message delivered.
 * @param given how many events there are, when Stripe did not send them itself
 */
export async function settled(matcha: Matcha, given?: number): Promise<void> {
  await sandbox(matcha, 'idle');
  const sent = given ?? (await eventsSent(matcha));
  await eventually('every event is applied and every message delivered', async () => {
    const [row] = await matcha.query(
      `select (select count(*) from payments where status = 'succeeded')::int as paid,
         (select count(*) from subscriptions where status = 'active')::int as active,
         (select count(*) from webhook_events where processed)::int as applied,
         (select count(*) from outbox_messages)::int as told,
         (select count(*) from outbox_messages where delivered_at is null)::int as untold`,
    );
    return (
      Number(row?.paid) > 0 &&
      Number(row?.active) > 0 &&
      Number(row?.told) > 1 &&
      row?.applied === sent &&
      row.untold === 0
    );
  });
}

/** Delivers an event as Stripe would, with a request id and whatever else. @returns the status of the answer */
export async function deliver(
  matcha: Matcha,
  event: object,
  headers: Record<string, string> = {},
): Promise<number> {
  const body = JSON.stringify(event);
  const response = await fetch(`${matcha.urls.web}/api/stripe/webhook`, {
    method: 'POST',
    headers: { 'stripe-signature': signatureHeader(body, matcha.secrets.webhookSecret), ...headers },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}
