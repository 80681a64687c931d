import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import Stripe from 'stripe';
import { freePort } from '../../rig/ports.ts';
import { createSandbox, type Sandbox } from '../../sandbox/index.ts';
import { createRouter, readWebConfig, type WebDeps } from '../../src/api/index.ts';
import { CODES, openApi } from '../../src/api/openapi/index.ts';
import { envExample, read, sourcesBelow } from '../deploy/support.ts';
import { RawClient } from '../support/raw-client.ts';
import { ADMIN_KEY, Api, type Ask, PRICES } from './support/api.ts';
import { askBoard, BOARD, BOARD_ENV, boardCookie, login } from './support/board.ts';
import { checkAnswer, checkedAnswers } from './support/description.ts';
import { loginHeaders } from './support/login.ts';
import { addSubscription } from './support/stripe.ts';
import { delivery, signatureOf, stripeEvent } from './support/webhook.ts';

const SUBSCRIPTION = '/api/stripe/subscription';
const CHECKOUT = '/api/stripe/create-checkout-session';
const WEBHOOK = '/api/stripe/webhook';
const admin = { 'x-internal-key': ADMIN_KEY };
const USER = 42;

/** Ways in that no router knows: Stripe's own and the board's. */
const BESIDE_THE_ROUTER = [
  'post /api/stripe/webhook',
  'get /admin/queues',
  'get /admin/queues/login',
  'post /admin/queues/login',
  'get /admin/queues/logout',
  'post /admin/queues/logout',
];

/** Answers that are described and that nothing here can provoke. */
const UNPROVOKED = [
  // Failures of our own in routes that touch no table.
  'post /api/stripe/webhook 500',
  'post /api/admin/payment/sync 500',
];

function describedOperations(): string[] {
  return Object.entries(openApi.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
}

describe('The API description', () => {
  it('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(openApi));
    expect(result.errors ?? []).to.deep.equal([]);
    expect(result.valid).to.equal(true);
    expect(validator.version).to.equal('3.1');
  });

  it('has every registered route, and no other', () => {
    const config = readWebConfig(envExample());
    const router = createRouter({ config, redis: {} } as WebDeps);
    const registered = router.stack.flatMap((layer) =>
      layer.methods
        .filter((method) => method !== 'HEAD')
        .map((method) => `${method.toLowerCase()} ${String(layer.path).replace(/:(\w+)/g, '{$1}')}`),
    );
    expect(registered.length).to.be.above(15);
    expect(describedOperations()).to.have.members([...registered, ...BESIDE_THE_ROUTER]);
  });

  it('knows every code that the web process answers with', async () => {
    const known = Object.keys(CODES);
    for (const file of [...(await sourcesBelow('src/api')), ...(await sourcesBelow('src/shared'))]) {
      const made = read(file).matchAll(
        /(?:new HttpError\(\s*\d+,|HttpError\.(?:badRequest|notFound|conflict|unavailable)\()\s*'(\w+)'/g,
      );
      for (const [, code] of made) expect(known, file).to.include(code);
    }
  });

  it('names each operation once', () => {
    const ids = Object.values(openApi.paths).flatMap((item) =>
      Object.values(item).map((each) => each.operationId),
    );
    expect(new Set(ids).size).to.equal(ids.length);
  });
});

describe('Every route answers as described', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let api: Api;
  before(async () => {
    sandbox = await createSandbox({ prices: PRICES });
    api = await Api.start({ env: { STRIPE_API_BASE: sandbox.url, ...BOARD_ENV } });
    for (const id of [1, 2, USER]) await api.addUser(id);
  });
  after(async () => {
    await api?.close();
    await sandbox?.close();
  });

  /** Asks as each caller would; {@link Api.ask} holds the answer against the description. */
  async function expects(
    on: Api,
    status: number,
    method: string,
    path: string,
    ask: Ask = {},
  ): Promise<unknown> {
    const answer = await on.ask(path, { method, ...ask });
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).to.equal(status);
    return answer.body.data;
  }
  const asUser = { as: USER };
  const asAdmin = { headers: admin };

  it('when a body stops coming', async () => {
    const reading = Object.entries(openApi.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { responses }]) =>
        '408' in responses ? [{ method, path }] : [],
      ),
    );
    expect(reading.length).to.be.above(5);
    await Promise.all(
      reading.map(async ({ method, path }) => {
        const client = new RawClient(api.port).send(method.toUpperCase(), path, {
          ...loginHeaders(USER),
          ...admin,
          'stripe-signature': signatureOf('not this body'),
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/json',
          'content-length': 100,
        });
        const [head = '', body = ''] = (await client.wholeAnswer()).split('\r\n\r\n');
        expect(head, path).to.match(/^HTTP\/1\.1 408 /);
        const lines = head.split('\r\n').slice(1);
        const headers = new Headers(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]));
        checkAnswer({ method, path, status: 408, headers, body: JSON.parse(body) });
      }),
    );
  });

  it('when Stripe sends events, real ones and others', async () => {
    const body = JSON.stringify(stripeEvent());
    await expects(api, 200, 'POST', WEBHOOK, delivery(body));
    await expects(api, 200, 'POST', `${WEBHOOK}/`, delivery(body));
    await expects(api, 405, 'GET', WEBHOOK);
    await expects(api, 413, 'POST', WEBHOOK, delivery('x'.repeat(1_100_000)));
    const binary = new Uint8Array([0xff, 0xfe]);
    for (const refused of [
      { method: 'POST', body },
      delivery(body, 't=1,v1=00'),
      delivery(body, signatureOf(body, { at: 0 })),
      delivery(body, signatureOf(body, { secret: 'whsec_of_somebody_else' })),
      delivery('not json'),
      delivery('{"object":"thing"}'),
      delivery(binary),
    ]) {
      await expects(api, 400, 'POST', WEBHOOK, refused);
    }
  });

  it('when a user buys, comes back, looks, cancels', async () => {
    await expects(api, 200, 'GET', SUBSCRIPTION, asUser);
    await expects(api, 404, 'DELETE', SUBSCRIPTION, asUser);
    await expects(api, 404, 'GET', `${SUBSCRIPTION}/billing-portal`, asUser);
    await expects(api, 200, 'POST', CHECKOUT, { body: { plan: 'annuel' } });
    await expects(api, 200, 'POST', CHECKOUT, { ...asUser, body: { plan: 'mensuel' } });
    const link = await expects(api, 200, 'POST', SUBSCRIPTION, { ...asUser, body: { plan_type: 'mensuel' } });
    const { id } = link as { id: string };
    sandbox.completeCheckout({ session: id });
    await expects(api, 200, 'GET', `${SUBSCRIPTION}?session_id=${id}`, asUser);
    await expects(api, 409, 'POST', SUBSCRIPTION, { ...asUser, body: { plan_type: 'mensuel' } });
    await expects(api, 409, 'POST', CHECKOUT, { ...asUser, body: { plan: 'mensuel' } });
    await expects(api, 200, 'GET', `${SUBSCRIPTION}/billing-portal`, asUser);
    await expects(api, 200, 'DELETE', SUBSCRIPTION, {
      ...asUser,
      body: { reason: 'unused', comment: 'Merci' },
    });
    await expects(api, 200, 'POST', `${SUBSCRIPTION}/resume`, asUser);
    await expects(api, 409, 'POST', `${SUBSCRIPTION}/resume`, asUser);
    await expects(api, 200, 'DELETE', SUBSCRIPTION, { ...asUser, body: { at_period_end: false } });
    await addSubscription(api, { user: 1, stripeId: 'sub_row', status: 'past_due', stripeStatus: null });
    await expects(api, 200, 'GET', SUBSCRIPTION, { as: 1 });
    await expects(api, 200, 'GET', `${SUBSCRIPTION}/premium-status`, { as: 1 });
    await expects(api, 404, 'GET', `${SUBSCRIPTION}?session_id=cs_unknown`, asUser);
    await expects(api, 400, 'GET', `${SUBSCRIPTION}?session_id=x`, asUser);
    await expects(api, 400, 'GET', `${SUBSCRIPTION}/billing-portal?return_url=https://evil.example`, asUser);
    await expects(api, 400, 'GET', `${SUBSCRIPTION}/billing-portal?return_url=a&return_url=b`, asUser);
  });

  it('when a paused subscription cannot be paid for', async () => {
    await api.addUser(3);
    const stripe = new Stripe('sk_test_any', sandbox.stripeOptions);
    const { id: customer } = await stripe.customers.create();
    const { id } = sandbox.createSubscription({ customer, price: PRICES.mensuel, card: 'succeeds' });
    await addSubscription(api, { user: 3, stripeId: id, customer });
    // Otherwise what the pause gives back would pay for the new period.
    await stripe.subscriptions.pause(id, { bill_for: { unused_time_from: { type: 'none' } } });
    sandbox.setCard({ customer, card: 'alwaysAuthentication' });
    await expects(api, 402, 'POST', `${SUBSCRIPTION}/resume`, { as: 3 });
  });

  it('when a user looks at payments', async () => {
    await expects(api, 200, 'GET', '/api/stripe/payment/history', asUser);
    await expects(api, 200, 'GET', '/api/stripe/payment/stats', asUser);
    await api.query(
      `insert into payments (user_id, stripe_payment_intent_id, amount, currency, status, failure_reason, amount_refunded)
       values (1, 'pi_1', 999, 'eur', 'succeeded', null, 500), (1, 'pi_2', 500, 'jpy', 'failed', 'refusée', 0),
         (1, 'pi_3', 1, 'eur', 'pending', null, 0)`,
    );
    await expects(api, 200, 'GET', '/api/stripe/payment/history?limit=2', { as: 1 });
    await expects(api, 200, 'GET', '/api/stripe/payment/stats', { as: 1 });
    await expects(api, 400, 'GET', '/api/stripe/payment/history?limit=0', asUser);
  });

  it('when a user asks what there was to hear', async () => {
    await expects(api, 200, 'GET', '/api/stripe/notifications', asUser);
    await api.query(
      `insert into outbox_messages (fact, user_id, type, data)
       values ('payment_succeeded:in_1', 1, 'payment_succeeded', '{"message": "…", "amount": 9.99}')`,
    );
    await expects(api, 200, 'GET', '/api/stripe/notifications?limit=1', { as: 1 });
    await expects(api, 400, 'GET', '/api/stripe/notifications?after=x', asUser);
  });

  it('when an operator looks and acts', async () => {
    await api.query(
      `insert into webhook_events (stripe_event_id, event_type, data, error_message, waiting_for, processed, outcome)
       values ('evt_a', 'invoice.paid', '{}', 'no', null, false, null), ('evt_b', 'invoice.paid', '{}', 'whose?', 'cus_x', false, null),
         ('evt_c', 'invoice.paid', null, null, null, true, 'applied')`,
    );
    await api.query(
      `insert into maintenance_state (name, data, updated_at) values ('drift', '{"checked": 3, "drifts": []}', now())`,
    );
    const first = await addSubscription(api, { user: 2, stripeId: 'sub_first' });
    await addSubscription(api, { user: 2, stripeId: 'sub_second', duplicateOf: first });
    await api.query(
      `insert into customers (user_id, stripe_customer_id, livemode, preferred, linked_by, created_at)
       values (2, 'cus_taken', false, true, 'checkout', now())`,
    );
    await expects(api, 200, 'GET', '/api/admin/webhook/events', asAdmin);
    await expects(api, 400, 'GET', '/api/admin/webhook/events?state=lost', asAdmin);
    await expects(api, 200, 'POST', '/api/admin/webhook/retry', asAdmin);
    await expects(api, 200, 'POST', '/api/admin/payment/sync', asAdmin);
    await expects(api, 200, 'POST', '/api/admin/payment/sync/1', asAdmin);
    await expects(api, 400, 'POST', '/api/admin/payment/sync/x', asAdmin);
    await expects(api, 404, 'POST', '/api/admin/payment/sync/999', asAdmin);
    await expects(api, 200, 'GET', '/api/admin/attention', asAdmin);
    const linking = (body: unknown) => ({ ...asAdmin, body });
    const link = '/api/admin/customer/link';
    await expects(api, 200, 'POST', link, linking({ stripe_customer_id: 'cus_x', user_id: 1 }));
    await expects(api, 404, 'POST', link, linking({ stripe_customer_id: 'cus_x', user_id: 999 }));
    await expects(api, 409, 'POST', link, linking({ stripe_customer_id: 'cus_taken', user_id: 1 }));
    const done = '/api/admin/attention/done';
    await api.query(
      `insert into payments (user_id, stripe_payment_intent_id, stripe_invoice_id, amount, currency, status, paid_at, gave_nothing)
       values (${USER}, 'pi_late', 'in_late', 999, 'eur', 'succeeded', '2026-01-01', 'paid_after_end')`,
    );
    await expects(api, 200, 'GET', '/api/admin/attention', asAdmin);
    const mark = { kind: 'paid_after_end', id: 'in_late', reason: 'Given by hand' };
    await expects(api, 200, 'POST', done, linking(mark));
    await expects(api, 404, 'POST', done, linking({ ...mark, id: 'in_other' }));
    await expects(api, 200, 'DELETE', `/api/admin/user/${USER}/billing`, asAdmin);
    await expects(api, 409, 'POST', SUBSCRIPTION, { ...asUser, body: { plan_type: 'mensuel' } });
    // A day later.
    await api.query('delete from billing_ends');
    await expects(api, 400, 'DELETE', '/api/admin/user/x/billing', asAdmin);
    await expects(api, 404, 'DELETE', '/api/admin/user/999/billing', asAdmin);
  });

  it('when anybody asks how it is, or what there is', async () => {
    for (const path of ['/health', '/health/ready', '/health/live']) await expects(api, 200, 'GET', path);
    const served = await api.ask('/api/openapi.json');
    expect(served.status).to.equal(200);
    expect(served.body).to.deep.equal(JSON.parse(JSON.stringify(openApi)));
  });

  it('when an operator’s browser asks for the board', async () => {
    const cookie = await boardCookie(api);
    const page = async (status: number, path: string, ask: Parameters<typeof askBoard>[2] = {}) =>
      expect((await askBoard(api, BOARD + path, ask)).status, path).to.equal(status);
    await page(200, '', { cookie });
    await page(303, '');
    await page(200, '/login');
    await page(200, '/logout', { cookie });
    await page(303, '/logout');
    await page(401, '/logout', { method: 'POST' });
    const fromElsewhere = { origin: 'https://evil.example' };
    await page(403, '/logout', { method: 'POST', cookie, headers: fromElsewhere });
    await page(303, '/logout', { method: 'POST', cookie });
    expect((await login(api, { headers: fromElsewhere })).status).to.equal(403);
    expect((await login(api, { password: 'x'.repeat(5_000) })).status).to.equal(413);
    const guesses = await Promise.all(Array.from({ length: 12 }, () => login(api, { password: 'wrong' })));
    expect(guesses.map(({ status }) => status)).to.include.members([401, 429]);
  });

  it('when the body is not what it should be', async () => {
    for (const [method, path, who, body] of [
      ['POST', SUBSCRIPTION, asUser, { plan_type: 'x' }],
      ['DELETE', SUBSCRIPTION, asUser, { at_period_end: 'x' }],
      ['POST', CHECKOUT, {}, { plan: 'x' }],
      ['POST', '/api/admin/webhook/retry', asAdmin, { event_ids: 'x' }],
      ['POST', '/api/admin/customer/link', asAdmin, { user_id: 0 }],
      ['POST', '/api/admin/attention/done', asAdmin, { kind: '' }],
    ] as [string, string, Ask, unknown][]) {
      const type = (value: string) => ({ headers: { ...who.headers, 'content-type': value } });
      await expects(api, 400, method, path, { ...who, body });
      await expects(api, 400, method, path, { ...who, ...type('application/json'), body: '{' });
      await expects(api, 413, method, path, {
        ...who,
        ...type('application/json'),
        body: 'x'.repeat(20_000),
      });
      await expects(api, 415, method, path, { ...who, ...type('text/plain'), body: 'x' });
    }
  });

  it('when nobody says who asks', async () => {
    for (const [method, path] of callsOf(['login', 'user', 'internalKey'])) {
      const headers: Record<string, string> = path === CHECKOUT ? { 'x-jwt-token': 'forged' } : {};
      await expects(api, 401, method, path, { headers });
    }
  });

  it('when somebody asks too often', async () => {
    const limits = ['CHECKOUT', 'GUEST_CHECKOUT', 'CANCEL', 'PORTAL', 'RETURN'];
    const stingy = await Api.start({
      env: {
        ...Object.fromEntries(limits.map((name) => [`RATE_LIMIT_${name}`, '1'])),
        QUEUE_PREFIX: `${api.prefix}:stingy`,
        GUEST_CHALLENGE_URL: 'https://challenge.example/verify',
        GUEST_CHALLENGE_SECRET: 'secret-of-the-challenge',
      },
      beside: api,
    });
    try {
      for (const [method, path, ask] of [
        ['POST', SUBSCRIPTION, { ...asUser, body: { plan_type: 'mensuel' } }],
        ['DELETE', SUBSCRIPTION, asUser],
        ['POST', `${SUBSCRIPTION}/resume`, asUser],
        ['GET', `${SUBSCRIPTION}/billing-portal`, asUser],
        ['GET', `${SUBSCRIPTION}?session_id=cs_1`, asUser],
        ['POST', CHECKOUT, { body: { plan: 'mensuel' } }],
      ] as [string, string, Ask][]) {
        const first = await stingy.ask(path, { method, ...ask });
        if (path === CHECKOUT) expect(first.body.code).to.equal('challenge_failed');
        await expects(stingy, 429, method, path, ask);
      }
      const guess = { headers: { 'x-internal-key': 'guess' } };
      for (let n = 0; n < 30; n += 1) await stingy.ask('/api/admin/attention', guess);
      for (const [method, path] of callsOf(['internalKey'])) await expects(stingy, 429, method, path, guess);
    } finally {
      await stingy.close();
    }
  });

  it('when Stripe refuses', async () => {
    for (const [method, path, ask] of [
      ['POST', CHECKOUT, { body: { plan: 'mensuel' } }],
      ['POST', SUBSCRIPTION, { as: USER, body: { plan_type: 'mensuel' } }],
      ['DELETE', SUBSCRIPTION, { as: 2 }],
      ['POST', `${SUBSCRIPTION}/resume`, { as: 2 }],
      ['GET', `${SUBSCRIPTION}/billing-portal`, { as: USER }],
      ['GET', `${SUBSCRIPTION}?session_id=cs_any`, { as: USER }],
      ['DELETE', `/api/admin/user/${USER}/billing`, asAdmin],
    ] as [string, string, Ask][]) {
      sandbox.faults.add({ kind: 'error', status: 401, times: 100 });
      await expects(api, 502, method, path, ask);
      sandbox.faults.clear();
    }
  });

  it('when our own tables are not there', async () => {
    const tables = [
      'users',
      'payments',
      'subscriptions',
      'webhook_events',
      'customers',
      'outbox_messages',
      'billing_ends',
    ];
    for (const table of tables) await api.query(`alter table ${table} rename to ${table}_away`);
    try {
      for (const [method, path, body] of callsOf(['login', 'user', 'internalKey'])) {
        if (path === '/api/admin/payment/sync') continue;
        await expects(api, 500, method, path, { ...asUser, headers: admin, body });
      }
    } finally {
      for (const table of tables) await api.query(`alter table ${table}_away rename to ${table}`);
    }
  });

  it('when there is no board', async () => {
    const bare = await Api.start({ beside: api });
    try {
      for (const [method, path] of callsOf(['boardSession'], ['/admin/queues/login'])) {
        expect((await askBoard(bare, path, { method })).status).to.equal(404);
      }
    } finally {
      await bare.close();
    }
  });

  it('when everything it needs is away', async () => {
    const away = await Api.start({
      env: {
        DB_PORT: String(await freePort()),
        AUTO_MIGRATE: 'false',
        REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
        ...BOARD_ENV,
      },
    });
    try {
      const body = JSON.stringify(stripeEvent());
      await expects(away, 503, 'POST', WEBHOOK, delivery(body));
      for (const [method, path, plan] of callsOf(['login', 'user', 'internalKey'])) {
        await expects(away, 503, method, path, { ...asUser, headers: admin, body: plan });
      }
      for (const path of ['/health', '/health/ready']) await expects(away, 503, 'GET', path);
      const cookie = `board_session=${'A'.repeat(43)}`;
      for (const [method, path] of callsOf(['boardSession'])) {
        expect((await askBoard(away, path, { method, cookie })).status).to.equal(503);
      }
      expect((await login(away)).status).to.equal(503);
    } finally {
      await away.close();
    }
  });

  it('and nothing is described that was not answered', () => {
    const described = Object.entries(openApi.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, operation]) =>
        Object.keys(operation.responses).map((status) => `${method} ${path} ${status}`),
      ),
    );
    const unseen = described.filter((answer) => !checkedAnswers.has(answer));
    expect(unseen).to.have.members(UNPROVOKED);
  });
});

/** One call of every operation behind one of these ways to say who asks, with a body that is right. */
function callsOf(
  schemes: readonly string[],
  also: readonly string[] = [],
): [method: string, path: string, body: unknown][] {
  const bodies: Record<string, unknown> = {
    [CHECKOUT]: { plan: 'mensuel' },
    [SUBSCRIPTION]: { plan_type: 'mensuel' },
    '/api/admin/customer/link': { stripe_customer_id: 'cus_x', user_id: 1 },
    '/api/admin/attention/done': { kind: 'paid_after_end', id: 'in_x', reason: 'why' },
  };
  return Object.entries(openApi.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(
        ([, { security = [] }]) =>
          also.includes(path) ||
          security.some((way) => Object.keys(way).some((name) => schemes.includes(name))),
      )
      .map(([method]): [string, string, unknown] => [
        method.toUpperCase(),
        path.replace(/\{\w+\}/, '1'),
        method === 'post' ? bodies[path] : undefined,
      ]),
  );
}
