import { Worker } from 'bullmq';
import { pino } from 'pino';
import { connectRedis } from '../../../src/shared/redis.ts';
import type { Answer, Api, Ask } from './api.ts';
import { checkAnswer } from './description.ts';

export const BOARD_USER = 'operator';
export const BOARD_PASSWORD = 'correct horse battery';
export const BOARD = '/admin/queues';
export const BOARD_ENV = { BOARD_USER, BOARD_PASSWORD };

/** What a payer would not want an operator's dashboard to show. */
export const PRIVATE = {
  email: 'payer.private@mail.example',
  name: 'Camille Privée',
  last4: '4242',
  secret: 'pi_1_secret_abcdefgh',
  url: 'https://pay.example/hosted/invoice',
  reason: 'Votre carte a été refusée',
};

/** An event as Stripe sends it, with everything in it that has to stay inside. */
export function privateEvent(id: string): Record<string, unknown> {
  return {
    id,
    object: 'event',
    type: 'invoice.payment_failed',
    created: 1_790_000_000,
    livemode: false,
    api_version: '2026-10-28.endive',
    data: {
      object: {
        id: 'in_board',
        object: 'invoice',
        customer_email: PRIVATE.email,
        customer_name: PRIVATE.name,
        amount_due: 987_654,
        hosted_invoice_url: PRIVATE.url,
        client_secret: PRIVATE.secret,
        last4: PRIVATE.last4,
        card: { last4: PRIVATE.last4, number: `4242 4242 4242 ${PRIVATE.last4}` },
      },
    },
  };
}

/** Leaves a failed job of that event on the queue, its error quoting what it should not. */
export async function addFailedEvent(api: Api, id: string): Promise<void> {
  await api.inQueue('stripe-events', (queue) =>
    queue.add(
      'invoice.payment_failed',
      { eventId: id, payload: JSON.stringify(privateEvent(id)), correlationId: 'delivery-1' },
      { jobId: id, attempts: 1 },
    ),
  );
  await failNext(api, 'stripe-events');
}

/** Takes the jobs that wait on a queue, logs, and fails as carelessly as code can. */
export async function failNext(api: Api, name: string): Promise<void> {
  const connection = connectRedis(String(process.env.TEST_REDIS_URL), 'patient', pino({ level: 'silent' }));
  const worker = new Worker(
    name,
    async (job) => {
      await job.log(`charging ${PRIVATE.email}, card ${PRIVATE.last4}`);
      await job.updateProgress({ payer: PRIVATE.email, checked: 3, note: PRIVATE.name });
      throw new Error(
        `insert into "payments" values ('${PRIVATE.name}', '${PRIVATE.last4}') - ${PRIVATE.email} at ${PRIVATE.url}, ` +
          `card 4242 4242 4242 ${PRIVATE.last4}, ends in ${PRIVATE.last4}, ${PRIVATE.secret}`,
      );
    },
    { connection, prefix: api.prefix },
  );
  const failed = new Promise<void>((resolve) => worker.once('failed', () => resolve()));
  await failed;
  await worker.close();
  connection.disconnect();
}

/** A browser's own request: same origin, its cookie, no redirects followed. */
export async function askBoard(
  api: Api,
  path: string,
  { method = 'GET', cookie, headers, body }: Ask & { cookie?: string } = {},
): Promise<Answer & { cookie: string | null }> {
  const response = await fetch(`http://127.0.0.1:${api.port}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(method === 'GET' ? {} : { origin: `http://127.0.0.1:${api.port}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...headers,
    },
    body: body as string | URLSearchParams | undefined,
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  const answer = {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== '' ? JSON.parse(text) : text,
  };
  checkAnswer({ method, path, ...answer });
  return { ...answer, cookie: response.headers.get('set-cookie') };
}

export function login(
  api: Api,
  {
    user = BOARD_USER,
    password = BOARD_PASSWORD,
    ...ask
  }: Partial<Record<'user' | 'password', string>> & Ask & { cookie?: string } = {},
) {
  return askBoard(api, `${BOARD}/login`, {
    method: 'POST',
    ...ask,
    body: new URLSearchParams({ user, password }),
  });
}

/** Logs in. @returns the cookie to send from then on */
export async function boardCookie(api: Api): Promise<string> {
  const { status, cookie } = await login(api);
  if (status !== 303 || cookie === null) throw new Error(`Logging in to the board answered ${status}`);
  return cookie.split(';')[0] ?? '';
}
