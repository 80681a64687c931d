import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type RequestListener, request } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { expect } from 'chai';
import { useGateways } from './support/gateways.ts';
import { ask, FakeService } from './support/http.ts';

import { loginToken, someUser } from './support/tokens.ts';

describe('The proxy to the payment service', () => {
  const startGateway = useGateways();
  let service: FakeService;
  beforeEach(async () => {
    service = await new FakeService().start();
  });
  afterEach(() => service.stop());

  const bearer = (userId = someUser()) => ({ authorization: `Bearer ${loginToken(userId)}` });

  it('lets the service know when whoever asked has hung up', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const arrived = new Promise<{ closed: Promise<unknown> }>((resolve) => {
      // Never answers.
      service.respond = (_request, response) => resolve({ closed: once(response, 'close') });
    });
    const sent = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/api/stripe/subscription',
      headers: bearer(),
    });
    sent.on('error', () => undefined);
    sent.end('{"plan_type":"mensuel"}');
    const { closed } = await arrived;
    sent.destroy();
    await closed;
  });

  for (const [path, arrivesAs] of Object.entries({
    '/api/stripe/webhook': '/api/stripe/webhook',
    '/api/stripe/webhook/': '/api/stripe/webhook',
    '/api/v1/stripe/webhook': '/api/stripe/webhook',
    '/api/v1/stripe/webhook/': '/api/stripe/webhook',
    '/api/stripe/create-checkout-session': '/api/stripe/create-checkout-session',
    '/api/v1/stripe/create-checkout-session/': '/api/stripe/create-checkout-session',
    '/api/stripe/subscription/?a=1&a=2&b=%2F..%2F&c=%27': '/api/stripe/subscription?a=1&a=2&b=%2F..%2F&c=%27',
    '/api/stripe/payment/stats?token=x&y=1&%74oken=z': '/api/stripe/payment/stats?y=1',
    '/api/paiements/health': '/health',
    '/api/paiements/health/': '/health',
    '/api/paiements/health/ready': '/health/ready',
    '/api/paiements/health/live/': '/health/live',
  })) {
    it(`brings ${path} to the service as ${arrivesAs}`, async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      await ask(port, path, { headers: bearer() });
      expect(service.only.url).to.equal(arrivesAs);
    });
  }

  for (const path of [
    '/',
    '/api/admin/webhook/events',
    '/admin',
    '/metrics',
    '/health',
    '//api/stripe/webhook',
    '/api//stripe/webhook',
    '/api/stripe/webhook//',
    '/api/stripe/webhook/../../admin/webhook/events',
    '/api/stripe/subscription/../../admin/webhook/events',
    '/api/stripe/subscription/..%2f..%2fadmin/webhook/events',
    '/api/stripe/subscription/%2e%2e/%2e%2e/admin',
    '/api/stripe/subscription/.%2e/x',
    '/api/stripe/subscription/..\\..\\admin',
    '/api/stripe/subscription//admin',
    '/api/stripe/subscription/./x',
    '/api/stripe/subscription;/x',
    '/api/stripe/subscription%2fx',
    '/api/stripe/subscription%00',
    '/api/stripe/subscriptions',
    '/api/stripe/payment',
    '/api/stripe/payment/',
    '/api/stripe/payment/../webhook',
    '/api/stripe/payments/history',
    '/api/v1/stripe/subscription',
    '/api/paiements/health/../../admin',
    '/api/paiements/health/metrics',
    '/api/paiements/admin',
    '/API/stripe/webhook',
    '/api/stripe/test-webhook',
    'http://127.0.0.1/api/admin',
    '/api/stripe/webhook#/../admin',
  ]) {
    it(`answers 404 and leaves the service alone for ${path}`, async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      const answer = await ask(port, path, { headers: { ...bearer(), 'x-internal-key': 'guess' } });
      expect(answer.status).to.equal(404);
      expect(answer.json()).to.have.all.keys('success', 'error', 'code');
      expect(service.received).to.deep.equal([]);
    });
  }

  for (const target of ['http://', 'http://?token=x', 'http://[']) {
    it(`answers 400 to the request target ${target}, which has no path`, async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      const answer = await ask(port, target, { headers: bearer() });
      expect([answer.status, answer.json()]).to.deep.equal([
        400,
        {
          success: false,
          error: 'The request target has no path: send one like /health',
          code: 'invalid_target',
        },
      ]);
      expect(answer.headers).to.have.property('x-request-id');
      expect(service.received).to.deep.equal([]);
    });
  }

  it('leaves the bytes of a webhook alone, whatever they are and however they come', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const body = Buffer.concat([
      randomBytes(200_000),
      Buffer.from('{"a": 1.0}\r\n\r\n\0'),
      randomBytes(50_000),
    ]);
    const headers = { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': 't=1,v1=abc' };

    await ask(port, '/api/stripe/webhook', { method: 'POST', headers, body });
    await ask(port, '/api/v1/stripe/webhook', {
      method: 'POST',
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body,
    });

    expect(service.received).to.have.length(2);
    for (const received of service.received) {
      expect(received.method).to.equal('POST');
      expect(received.body.equals(body)).to.equal(true);
      expect(received.headers).to.include(headers);
    }
  });

  it('leaves the answer alone', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const bytes = randomBytes(100_000);
    service.respond = (_request, response) => {
      response.writeHead(418, 'Short and stout', {
        'x-custom': 'yes',
        'retry-after': '7',
        'set-cookie': ['a=1', 'b=2'],
      });
      response.end(bytes);
    };
    const answer = await ask(port, '/api/stripe/webhook', { method: 'POST', body: '{}' });
    expect(answer.status).to.equal(418);
    expect(answer.headers).to.deep.include({
      'x-custom': 'yes',
      'retry-after': '7',
      'set-cookie': ['a=1', 'b=2'],
    });
    expect(answer.body.equals(bytes)).to.equal(true);
  });

  it('drops whatever a client says in the name of the gateway, and says it itself', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const userId = someUser();
    const forged = {
      'X-User-ID': '1',
      x_user_id: '1',
      'X-JWT-Token': 'forged',
      'X-Internal-Key': 'guess',
      X_Internal_Key: 'guess',
      Connection: 'keep-alive, X-Custom, X-User-ID, X-JWT-Token',
      'Keep-Alive': 'timeout=5',
      'Proxy-Authorization': 'Basic x',
      TE: 'trailers',
      'X-Custom': 'named by Connection',
      'X-Harmless': 'yes',
    };

    await ask(port, '/api/stripe/subscription', { headers: { ...forged, ...bearer(userId) } });
    await ask(port, '/api/stripe/webhook', {
      method: 'POST',
      body: '{}',
      headers: { ...forged, ...bearer() },
    });
    const token = loginToken(someUser());
    await ask(port, '/api/stripe/create-checkout-session', { method: 'POST', body: '{}', headers: forged });
    await ask(port, '/api/stripe/create-checkout-session', {
      method: 'POST',
      body: '{}',
      headers: { ...forged, authorization: `Bearer ${token}` },
    });

    const [loggedIn, webhook, guest, checkout] = service.received.map(({ headers }) => headers);
    expect(loggedIn).to.include({ 'x-user-id': userId, 'x-harmless': 'yes' });
    expect(loggedIn?.['x-jwt-token']).to.match(/^eyJ/);
    expect(webhook).not.to.have.any.keys('x-user-id', 'x-jwt-token');
    expect(guest).not.to.have.any.keys('x-user-id', 'x-jwt-token');
    expect(checkout).to.include({ 'x-jwt-token': token }).and.not.have.property('x-user-id');
    for (const headers of [loggedIn, webhook, guest, checkout]) {
      expect(headers).not.to.have.any.keys(
        'x-internal-key',
        'x_internal_key',
        'x_user_id',
        'x-custom',
        'keep-alive',
        'proxy-authorization',
        'te',
        'authorization',
      );
    }
  });

  it('passes an invalid token of a public checkout on, for the service to refuse', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const expired = loginToken('42', { claims: { exp: 1 } });
    await ask(port, `/api/v1/stripe/create-checkout-session?token=${expired}`, {
      method: 'POST',
      body: '{}',
    });
    expect(service.only.headers['x-jwt-token']).to.equal(expired);
    expect(service.only.url).to.equal('/api/stripe/create-checkout-session');
  });

  it('answers 401 itself when the token could not even stand in a header', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const path = '/api/stripe/create-checkout-session?token=a%0d%0aX-User-ID:%201';
    expect((await ask(port, path, { method: 'POST', body: '{}' })).status).to.equal(401);
    expect(service.received).to.deep.equal([]);
  });

  it('keeps from the service to which trace a stranger says a request belongs', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    await ask(port, '/api/stripe/subscription', {
      headers: {
        ...bearer(),
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        tracestate: 'vendor=1',
        baggage: 'user=1',
      },
    });
    expect(service.only.headers).not.to.have.any.keys('traceparent', 'tracestate', 'baggage');
  });

  for (const [what, path] of [
    ['path', `/api/stripe/subscription/${'a'.repeat(14_500)}eyJ`],
    ['path of a route', `/api/stripe/subscription/${'a'.repeat(500)}`],
    ['query', `/api/stripe/subscription?a=${'a'.repeat(9_000)}`],
  ] as const) {
    it(`answers 414 itself to a ${what} that is longer than any route’s`, async () => {
      const log: string[] = [];
      const { port } = await startGateway({ serviceUrl: service.url, log });
      const answer = await ask(port, path, { headers: bearer() });
      expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([
        414,
        'target_too_long',
      ]);
      expect(service.received).to.deep.equal([]);
      expect(Math.max(...log.map((line) => line.length))).to.be.below(1_000);
    });
  }

  it('keeps a well-formed X-Request-Id, makes one otherwise, and tells the client', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    for (const [given, expected] of [
      ['req-1.a:b', /^req-1\.a:b$/],
      ['two words', /^[0-9a-f-]{36}$/],
      ['x'.repeat(129), /^[0-9a-f-]{36}$/],
      [undefined, /^[0-9a-f-]{36}$/],
    ] as const) {
      const headers = given === undefined ? {} : { 'x-request-id': given };
      const answer = await ask(port, '/api/paiements/health', { headers });
      const arrived = service.received.at(-1)?.headers['x-request-id'];
      expect(arrived).to.match(expected);
      expect(answer.headers['x-request-id']).to.equal(arrived);
    }
  });

  it('adds the peer to X-Forwarded-For', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    await ask(port, '/api/paiements/health');
    await ask(port, '/api/paiements/health', { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(service.received.map(({ headers }) => headers['x-forwarded-for'])).to.deep.equal([
      '127.0.0.1',
      '203.0.113.9, 127.0.0.1',
    ]);
  });

  it('does not let a chunked DELETE smuggle a second request', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const smuggled = 'GET /api/admin/webhook/events HTTP/1.1\r\nhost: x\r\n\r\n';
    const answer = await ask(port, '/api/stripe/subscription', {
      method: 'DELETE',
      headers: { ...bearer(), 'transfer-encoding': 'chunked' },
      body: smuggled,
    });
    expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([411, 'length_required']);
    await ask(port, '/api/paiements/health');
    expect(service.only.url).to.equal('/health');
  });

  it('does not let a Connection header unframe the body of a DELETE', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const body = 'GET /api/admin/webhook/events HTTP/1.1\r\nhost: x\r\n\r\n';
    await ask(port, '/api/stripe/subscription', {
      method: 'DELETE',
      headers: { ...bearer(), connection: 'content-length', 'content-length': body.length },
      body,
    });
    await ask(port, '/api/paiements/health');
    expect(service.received.map(({ url }) => url)).to.deep.equal(['/api/stripe/subscription', '/health']);
    expect(service.received[0]?.body.toString()).to.equal(body);
  });

  it('passes the body of a DELETE on', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const body = '{"at_period_end":false}';
    await ask(port, '/api/stripe/subscription', {
      method: 'DELETE',
      headers: { ...bearer(), 'content-type': 'application/json', 'content-length': body.length },
      body,
    });
    expect(service.only).to.include({ method: 'DELETE' });
    expect(service.only.body.toString()).to.equal(body);
  });

  it('answers 502 while the service is away', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    await service.stop();
    const answer = await ask(port, '/api/stripe/webhook', { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers['retry-after']]).to.deep.equal([502, '5']);
    expect(answer.json()).to.deep.equal({
      success: false,
      error: 'The payment service cannot be reached: try again in a few seconds',
      code: 'service_unreachable',
    });
  });

  it('answers 504 when the service says nothing in time', async () => {
    const { port } = await startGateway({ serviceUrl: service.url, limits: { proxyTimeoutMs: 100 } });
    service.respond = () => {};
    const answer = await ask(port, '/api/stripe/webhook', { method: 'POST', body: '{}' });
    expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([504, 'service_timeout']);
    expect(service.received).to.have.length(1);
  });

  it('cuts the connection when the service dies in the middle of an answer', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    service.respond = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    };
    const failure = await ask(port, '/api/paiements/health').catch((error) => error.code);
    expect(failure).to.equal('ECONNRESET');
  });

  it('lets the service know when the client gives up', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const abandoned = new Promise<void>((resolve) => {
      service.respond = (_request, response) => {
        response.on('close', () => resolve());
        client.destroy();
      };
    });
    const client = connect(port, '127.0.0.1');
    client.write('GET /api/paiements/health HTTP/1.1\r\nhost: x\r\n\r\n');
    await abandoned;
  });

  it('survives a service that does not speak HTTP', async () => {
    const babbler = createServer((socket) => socket.end('hello?\r\n\r\n')).listen(0, '127.0.0.1');
    await once(babbler, 'listening');
    const { port } = await startGateway({
      serviceUrl: `http://127.0.0.1:${(babbler.address() as AddressInfo).port}`,
    });
    expect((await ask(port, '/api/paiements/health')).status).to.equal(502);
    babbler.close();
  });

  it('reuses its connections to the service', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const ports = new Set<number | undefined>();
    service.respond = (request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    };
    for (let index = 0; index < 5; index += 1) await ask(port, '/api/paiements/health');
    expect(ports.size).to.equal(1);
  });

  describe('while the service restarts', () => {
    /**
     * Resets every connection once bytes of a request have come: what the kernel does to connections that a process
     * had yet to accept when it stopped listening. Sooner, and the gateway would see that it never connected.
     */
    let stopping: Server;
    let resets = 0;
    beforeEach(async () => {
      resets = 0;
      stopping = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          resets += 1;
          socket.resetAndDestroy();
        });
      }).listen(0, '127.0.0.1');
      await once(stopping, 'listening');
    });
    afterEach(() => void stopping.close());

    const stoppingUrl = () => `http://127.0.0.1:${(stopping.address() as AddressInfo).port}`;
    const die: RequestListener = (request) => request.socket.resetAndDestroy();
    const body = randomBytes(300_000);
    const signed = { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': 't=1,v1=abc' };

    for (const [framing, headers] of Object.entries({
      'a length': { ...signed, 'content-length': body.length },
      chunks: { ...signed, 'transfer-encoding': 'chunked' },
    })) {
      const webhook = { method: 'POST', headers, body };

      it(`brings a webhook in ${framing} to another process when the first did not get to accept it`, async () => {
        const { port } = await startGateway({ serviceUrl: `${stoppingUrl()},${service.url}` });
        expect((await ask(port, '/api/v1/stripe/webhook', webhook)).status).to.equal(200);
        expect(resets).to.equal(1);
        expect(service.only).to.include({ method: 'POST', url: '/api/stripe/webhook' });
        expect(service.only.headers).to.include(signed);
        expect(service.only.body.equals(body)).to.equal(true);
      });

      it(`sends a webhook in ${framing} again, just the same, when the service dies with it in hand`, async () => {
        const { port } = await startGateway({ serviceUrl: service.url });
        const answerNormally = service.respond;
        service.respond = (request, response) => {
          service.respond = answerNormally;
          die(request, response);
        };
        expect((await ask(port, '/api/stripe/webhook', webhook)).status).to.equal(200);
        expect(service.received).to.have.length(2);
        const [lost, again] = service.received.map((received) => {
          const { connection, ...others } = received.headers;
          return { ...received, headers: others };
        });
        expect(again).to.deep.equal(lost);
        expect(again?.headers).to.include(signed);
        expect(again?.body.equals(body)).to.equal(true);
      });
    }

    it('gives a webhook up when every process was asked, the first one twice', async () => {
      service.respond = die;
      const { port } = await startGateway({ serviceUrl: `${stoppingUrl()},${service.url}` });
      const answer = await ask(port, '/api/stripe/webhook', { method: 'POST', headers: signed, body: '{}' });
      expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([
        502,
        'service_unreachable',
      ]);
      expect([resets, service.received.length]).to.deep.equal([2, 1]);
    });

    for (const [method, path] of [
      ['POST', '/api/stripe/create-checkout-session'],
      ['POST', '/api/v1/stripe/create-checkout-session/'],
      ['POST', '/api/stripe/subscription/cancel'],
      ['DELETE', '/api/stripe/subscription'],
    ] as const) {
      it(`sends a ${method} to ${path} once, since it may have had its effect`, async () => {
        const asked = { method, headers: { ...bearer(), 'content-length': 2 }, body: '{}' };
        const between = await startGateway({ serviceUrl: `${stoppingUrl()},${service.url}` });
        expect((await ask(between.port, path, asked)).status).to.equal(502);
        expect([resets, service.received.length]).to.deep.equal([1, 0]);

        service.respond = die;
        const before = await startGateway({ serviceUrl: service.url });
        expect((await ask(before.port, path, asked)).status).to.equal(502);
        expect(service.received).to.have.length(1);
      });
    }
  });

  it('keeps idle connections of its clients longer than they do themselves', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    for (const path of ['/api/paiements/health', '/nowhere']) {
      const { headers } = await ask(port, path, { headers: { connection: 'keep-alive' } });
      expect(headers).to.include({ connection: 'keep-alive', 'keep-alive': 'timeout=95' });
    }
  });

  describe('asked by a browser of another origin', () => {
    const preflight = (port: number, origin: string) =>
      ask(port, '/api/stripe/subscription', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'DELETE',
          'access-control-request-headers': 'authorization,content-type',
        },
      });

    it('answers the preflight of a listed one without login and without the service', async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      const answer = await preflight(port, 'https://app.example');
      expect(answer.status).to.equal(204);
      expect(answer.headers).to.include({
        'access-control-allow-origin': 'https://app.example',
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'authorization,content-type',
      });
      expect(answer.headers['access-control-allow-methods']).to.contain('DELETE');
      expect(service.received).to.deep.equal([]);
    });

    for (const origin of [
      'https://evil.example',
      'https://app.example.evil.example',
      'null',
      'http://app.example',
    ]) {
      it(`allows nothing to ${origin}`, async () => {
        const { port } = await startGateway({ serviceUrl: service.url });
        const answers = [
          await preflight(port, origin),
          await ask(port, '/api/paiements/health', { headers: { origin } }),
        ];
        for (const { headers } of answers) {
          expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).to.deep.equal([]);
          expect(headers.vary).to.contain('Origin');
        }
      });
    }

    it('lets a listed one read answers and refusals, whatever the service says about origins', async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      service.respond = (_request, response) => {
        response.writeHead(200, { 'access-control-allow-origin': '*', vary: 'Accept-Encoding' });
        response.end('{}');
      };
      const origin = 'https://www.app.example';
      const answer = await ask(port, '/api/stripe/subscription', { headers: { origin, ...bearer() } });
      const refused = await ask(port, '/api/stripe/subscription', { headers: { origin } });
      for (const { headers } of [answer, refused]) {
        expect(headers['access-control-allow-origin']).to.equal(origin);
        expect(headers['access-control-allow-credentials']).to.equal('true');
      }
      expect(answer.headers.vary).to.contain('Origin').and.contain('Accept-Encoding');
      expect([answer.status, refused.status]).to.deep.equal([200, 401]);
    });
  });
});
