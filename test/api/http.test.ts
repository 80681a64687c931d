import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { RawClient } from '../support/raw-client.ts';
import { APP_ORIGIN, useApi } from './support/api.ts';

describe('The HTTP surface', () => {
  const api = useApi();
  before(() => api().addUser(1));

  for (const path of [
    '/',
    '/nothing',
    '/api/stripe/test-webhook',
    '/api/stripe/payment/test',
    '/API/stripe/subscription',
  ]) {
    it(`answers 404 in the envelope for ${path}`, async () => {
      const answer = await api().ask(path, { as: 1 });
      expect(answer.status).to.equal(404);
      expect(answer.body).to.include({ success: false, code: 'route_not_found' });
    });
  }

  for (const target of ['http://', 'http://?limit=1', 'http://[']) {
    it(`answers 400 to the request target ${target}, which has no path`, async () => {
      // `fetch` would not send it.
      const request = get({ host: '127.0.0.1', port: api().port, path: target, agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect([response.statusCode, await json(response)]).to.deep.equal([
        400,
        {
          success: false,
          error: 'The request target has no path: send one like /health',
          code: 'invalid_target',
        },
      ]);
    });
  }

  for (const [what, target] of [
    ['path', `/api/stripe/subscription/${'a'.repeat(14_500)}eyJ`],
    ['query', `/api/stripe/subscription?a=${'a'.repeat(9_000)}`],
  ] as const) {
    it(`answers 414 to a ${what} that is longer than any route’s, and logs none of it`, async () => {
      const request = get({ host: '127.0.0.1', port: api().port, path: target, agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect([response.statusCode, ((await json(response)) as { code: string }).code]).to.deep.equal([
        414,
        'target_too_long',
      ]);
      expect(Math.max(...api().log.map((line) => line.length))).to.be.below(2_000);
    });
  }

  it('logs only the beginning of a path that no route has', async () => {
    const path = `/${'camille'.repeat(70)}`;
    expect((await api().ask(path)).status).to.equal(404);
    const lines = api().log.filter((line) => line.includes('camille'));
    expect(lines).not.to.be.empty;
    for (const line of lines) expect(line).not.to.include('camille'.repeat(40));
  });

  it('answers 404 for an unknown method on an unknown path', async () => {
    const answer = await api().ask('/nothing', { method: 'PROPFIND' });
    expect(answer.status).to.equal(404);
    expect(answer.body.code).to.equal('route_not_found');
  });

  const methods: [string, string, string[]][] = [
    ['PUT', '/api/stripe/subscription', ['GET', 'POST', 'DELETE']],
    ['GET', '/api/stripe/create-checkout-session', ['POST']],
    ['POST', '/api/stripe/payment/stats/', ['GET']],
    ['DELETE', '/health', ['GET']],
    ['GET', '/api/admin/webhook/retry', ['POST']],
    ['PROPFIND', '/health', ['GET']],
  ];
  for (const [method, path, allowed] of methods) {
    it(`answers 405 with Allow for ${method} ${path}`, async () => {
      const answer = await api().ask(path, { method });
      expect(answer.status).to.equal(405);
      expect(answer.body).to.include({ success: false, code: 'method_not_allowed' });
      expect(answer.headers.get('allow')?.split(', ')).to.include.members(allowed);
    });
  }

  const routes = [
    '/api/stripe/subscription',
    '/api/stripe/subscription/premium-status',
    '/api/stripe/payment/history',
    '/api/stripe/payment/stats',
    '/api/stripe/notifications',
    '/health',
    '/health/ready',
    '/health/live',
  ];
  for (const path of routes) {
    it(`answers ${path} with and without a trailing slash`, async () => {
      for (const url of [path, `${path}/`]) {
        expect((await api().ask(url, { as: 1 })).status, url).to.equal(200);
      }
    });
  }

  it('says it is healthy, ready and alive', async () => {
    expect((await api().ask('/health')).body).to.deep.equal({
      status: 'healthy',
      service: 'paiements-service',
      database: 'connected',
      redis: 'connected',
    });
    expect((await api().ask('/health/ready')).body).to.deep.equal({
      ready: true,
      checks: { database: true, redis: true, stripe_config: true },
    });
    expect((await api().ask('/health/live')).body).to.deep.equal({
      alive: true,
      service: 'paiements-service',
    });
  });

  it('leaves it to the gateway to say which origins may read answers', async () => {
    for (const ask of [{}, { method: 'OPTIONS', headers: { 'access-control-request-method': 'DELETE' } }]) {
      for (const path of ['/api/stripe/subscription', '/nothing']) {
        const { headers } = await api().ask(path, {
          ...ask,
          headers: { ...ask.headers, origin: APP_ORIGIN },
        });
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).to.deep.equal([]);
      }
    }
  });

  it('takes over a well-formed request id and replaces any other', async () => {
    const id = `${'a'.repeat(60)}_-A9`;
    expect(
      (await api().ask('/nothing', { headers: { 'x-request-id': id } })).headers.get('x-request-id'),
    ).to.equal(id);
    expect(api().log.some((line) => line.includes(`"requestId":"${id}"`))).to.equal(true);
    for (const bad of ['a'.repeat(65), 'a b', 'a"b', '']) {
      const answer = await api().ask('/nothing', { headers: { 'x-request-id': bad } });
      expect(answer.headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/);
    }
  });

  const bodies: [string, unknown, Record<string, string>, number, string][] = [
    ['broken JSON', '{"plan_type":', {}, 400, 'invalid_json'],
    ['a list', '[]', {}, 400, 'invalid_body'],
    ['null', 'null', {}, 400, 'invalid_body'],
    ['no plan', '{}', {}, 400, 'invalid_body'],
    ['nothing at all', undefined, {}, 400, 'invalid_body'],
    ['an unknown plan', '{"plan_type":"hebdomadaire"}', {}, 400, 'invalid_body'],
    ['a plan of the wrong type', '{"plan_type":["mensuel"]}', {}, 400, 'invalid_body'],
    [
      'a form',
      'plan_type=mensuel',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['text', '{"plan_type":"mensuel"}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    [
      'more than 16 KiB',
      JSON.stringify({ plan_type: 'mensuel', filler: 'x'.repeat(16 * 1_024) }),
      {},
      413,
      'body_too_large',
    ],
  ];
  for (const [what, body, headers, status, code] of bodies) {
    it(`refuses ${what} as the body of a purchase, and changes nothing`, async () => {
      const answer = await api().ask('/api/stripe/subscription', {
        method: 'POST',
        as: 1,
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      expect(answer.status).to.equal(status);
      expect(answer.body).to.include({ success: false, code });
      expect(
        await api().query('select id from customers union all select id from checkout_sessions'),
      ).to.deep.equal([]);
    });
  }

  it('tells nothing but the request id of a failure of our own', async () => {
    await api().query('alter table payments rename to payments_away');
    try {
      const answer = await api().ask('/api/stripe/payment/history', {
        as: 1,
        headers: { 'x-request-id': 'abc-1' },
      });
      expect(answer.status).to.equal(500);
      expect(answer.body).to.deep.equal({
        success: false,
        error: 'Something went wrong on our side. Report it with the request id abc-1',
        code: 'internal_error',
      });
      expect(api().log.some((line) => line.includes('payments') && line.includes('abc-1'))).to.equal(true);
    } finally {
      await api().query('alter table payments_away rename to payments');
    }
  });
});

describe('A greedy client', () => {
  const api = useApi(() => ({ limits: { maxConnections: 3 } }));

  it('gets as many connections as there are, and one more when it lets one go', async () => {
    const open = async () => {
      const client = new RawClient(api().port);
      await once(client.socket, 'connect');
      return client;
    };
    const clients = [await open(), await open(), await open()];
    await (await open()).closed;
    for (const client of clients) client.socket.destroy();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(
      await poll(async () => (await api().ask('/health/live')).status, { everyMs: 20, timeoutMs: 5_000 }),
    ).to.equal(200);
  });

  it('is cut off when it sends requests without waiting for answers', async () => {
    const client = new RawClient(api().port);
    client.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2_000));
    await client.closed;
    expect((client.answer.match(/HTTP\/1\.1 /g) ?? []).length).to.be.below(2_000);
  });
});

describe('A slow client', () => {
  const api = useApi(() => ({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } }));

  it('that never finishes its body is cut off', async () => {
    const socket = connect(api().port, '127.0.0.1');
    const signature = `t=${Math.floor(Date.now() / 1_000)},v1=${'ab'.repeat(32)}`;
    socket.write(
      `POST /api/stripe/webhook HTTP/1.1\r\nHost: x\r\nStripe-Signature: ${signature}\r\nContent-Length: 100\r\n\r\n{"id":`,
    );
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    await once(socket, 'close');
    expect(answer).to.match(/^HTTP\/1\.1 4\d\d /);
  });

  it('that never finishes its headers is cut off', async () => {
    const socket = connect(api().port, '127.0.0.1');
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    socket.resume();
    await once(socket, 'close');
  });
});

describe('With WEB_CORS, where browsers reach web directly', () => {
  const api = useApi(() => ({ env: { WEB_CORS: 'true' } }));

  it('only the allowed origins may read answers, with credentials, errors too', async () => {
    for (const path of ['/api/stripe/subscription', '/nothing']) {
      const ours = await api().ask(path, { headers: { origin: APP_ORIGIN } });
      expect(ours.headers.get('access-control-allow-origin')).to.equal(APP_ORIGIN);
      expect(ours.headers.get('access-control-allow-credentials')).to.equal('true');
      const others = await api().ask(path, { headers: { origin: 'https://evil.example' } });
      expect(others.headers.get('access-control-allow-origin')).to.equal(null);
      expect(others.headers.get('access-control-allow-credentials')).to.equal(null);
    }
    const preflight = await api().ask('/api/stripe/subscription', {
      method: 'OPTIONS',
      headers: { origin: APP_ORIGIN, 'access-control-request-method': 'DELETE' },
    });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers.get('access-control-allow-methods')).to.contain('DELETE').and.contain('PUT');
  });
});
