import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { Browser, refusedUpgrade } from './support/browser.ts';
import { useGateways } from './support/gateways.ts';
import { ask, FakeService } from './support/http.ts';
import { sharedRedisUrl } from './support/redis.ts';
import { inSeconds, loginToken, someUser } from './support/tokens.ts';

describe('Logging in at the gateway', () => {
  const startGateway = useGateways();
  let service: FakeService;
  beforeEach(async () => {
    service = await new FakeService().start();
  });
  afterEach(() => service.stop());

  const places = {
    'the Authorization header': (token: string) => ({
      query: '',
      headers: { authorization: `Bearer ${token}` },
    }),
    'the query': (token: string) => ({ query: `?token=${token}`, headers: {} }),
    'the cookie access_token': (token: string) => ({
      query: '',
      headers: { cookie: `theme=dark; access_token=${token}; lang=fr` },
    }),
  };

  for (const [place, put] of Object.entries(places)) {
    it(`works with a token in ${place}`, async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      const userId = someUser();
      const token = loginToken(userId);
      const { query, headers } = put(token);

      const answer = await ask(port, `/api/stripe/payment/history${query}`, { headers });

      expect(answer.status).to.equal(200);
      expect(service.only.headers).to.include({ 'x-user-id': userId, 'x-jwt-token': token });
      expect(service.only.url).to.equal('/api/stripe/payment/history');
      expect(service.only.headers).not.to.have.any.keys('authorization', 'cookie');
    });

    it(`opens a WebSocket with a token in ${place}`, async () => {
      const { port } = await startGateway();
      const userId = someUser();
      const { query, headers } = put(loginToken(userId));
      const browser = new Browser(`ws://127.0.0.1:${port}/ws${query}`, { headers });
      await once(browser.socket, 'open');
      expect(await browser.nextText()).to.equal(
        `{"type":"connection_ack","data":{"status":"connected","user_id":"${userId}"}}`,
      );
    });
  }

  it('prefers the header to the query, and the query to the cookie', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const [first, second, third] = [someUser(), someUser(), someUser()];
    const cookie = `access_token=${loginToken(third)}`;
    const path = `/api/stripe/subscription?token=${loginToken(second)}`;
    await ask(port, path, { headers: { authorization: `Bearer ${loginToken(first)}`, cookie } });
    await ask(port, path, { headers: { cookie } });
    expect(service.received.map(({ headers }) => headers['x-user-id'])).to.deep.equal([first, second]);
  });

  it('is refused on every route that needs it, and the service hears nothing', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    for (const path of [
      '/api/stripe/subscription',
      '/api/stripe/subscription/',
      '/api/stripe/subscription/premium-status',
      '/api/stripe/subscription/billing-portal?return_url=https%3A%2F%2Fapp.example',
      '/api/stripe/payment/history?limit=1',
      '/api/stripe/payment/stats',
    ]) {
      const answer = await ask(port, path);
      expect(answer.status, path).to.equal(401);
      expect(answer.json()).to.include({ success: false, code: 'unauthorized' });
    }
    expect(service.received).to.deep.equal([]);
  });

  const takenBack: Readonly<Record<string, (token: string, user: string) => [key: string, value: string]>> = {
    'its token was revoked, raw as Matcha’s logout writes it': (token) => [`blacklist:${token}`, '1'],
    'its token was revoked, as a SHA-256': (token) => [
      `blacklist:${createHash('sha256').update(token).digest('hex')}`,
      '1',
    ],
    'all of the user’s were taken back': (_token, user) => [`user_invalidated:${user}`, String(inSeconds(1))],
  };
  for (const [when, keyOf] of Object.entries(takenBack))
    it(`is refused once ${when}`, async () => {
      const { port } = await startGateway({ serviceUrl: service.url });
      const user = someUser();
      const token = loginToken(user, { claims: { iat: inSeconds(-1) } });
      const headers = { authorization: `Bearer ${token}` };
      expect((await ask(port, '/api/stripe/subscription', { headers })).status).to.equal(200);

      const client = new Redis(sharedRedisUrl());
      await client.set(...keyOf(token, user), 'EX', 60);
      client.disconnect();

      expect((await ask(port, '/api/stripe/subscription', { headers })).status).to.equal(401);
      expect((await refusedUpgrade(`ws://127.0.0.1:${port}/ws`, { headers })).status).to.equal(401);
      expect(service.received).to.have.length(1);
    });

  it('is not what a cookie does on its own from another site', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const cookie = `access_token=${loginToken(someUser())}`;
    const post = (origin: string) =>
      ask(port, '/api/stripe/subscription', { method: 'POST', body: '{}', headers: { cookie, origin } });
    expect((await post('https://evil.example')).status).to.equal(403);
    expect((await post('https://app.example')).status).to.equal(200);
    expect(service.received).to.have.length(1);
  });

  it('is not what a cookie does on its own from another site where a login is optional', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    const cookie = `access_token=${loginToken(someUser())}`;
    // What any page can make a browser send without asking first.
    const post = (origin: string | undefined, headers: Record<string, string> = { cookie }) =>
      ask(port, '/api/stripe/create-checkout-session', {
        method: 'POST',
        body: '{"plan":"mensuel"}',
        headers: { 'content-type': 'text/plain', ...headers, ...(origin ? { origin } : {}) },
      });
    expect((await post('https://evil.example')).status).to.equal(403);
    expect((await post('null')).status).to.equal(403);
    expect(service.received).to.deep.equal([]);
    expect((await post('https://app.example')).status).to.equal(200);
    expect((await post('https://evil.example', {})).status).to.equal(200);
    expect(service.received.map(({ headers }) => headers['x-jwt-token'] !== undefined)).to.deep.equal([
      true,
      false,
    ]);
  });

  it('is not what a cookie does from another site where no origin is listed either', async () => {
    const { port } = await startGateway({ serviceUrl: service.url, env: { ALLOWED_ORIGINS: '' } });
    const cookie = `access_token=${loginToken(someUser())}`;
    const post = (origin: string) =>
      ask(port, '/api/stripe/subscription', {
        method: 'POST',
        body: '{}',
        headers: { cookie, origin, host: 'matcha.example' },
      });
    for (const origin of ['https://evil.example', 'null', 'https://matcha.example.evil.example']) {
      expect((await post(origin)).status, origin).to.equal(403);
    }
    expect((await post('https://matcha.example')).status).to.equal(200);
    expect(service.received).to.have.length(1);
  });

  it('leaves no token in the log, whichever way it came', async () => {
    const log: string[] = [];
    const { port } = await startGateway({ serviceUrl: service.url, log });
    await service.stop();
    const token = loginToken(someUser());
    for (const put of Object.values(places)) {
      const { query, headers } = put(token);
      await ask(port, `/api/stripe/subscription${query}`, { headers });
      await ask(port, `/nowhere${query}`, { headers });
      await refusedUpgrade(`ws://127.0.0.1:${port}/elsewhere${query}`, { headers });
    }
    expect(log.join('')).to.contain('/api/stripe/subscription');
    expect(log.join('')).not.to.contain(token.split('.')[2]);
    expect(log.join('')).not.to.contain(token.split('.')[1]);
  });
});
