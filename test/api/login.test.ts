import { expect } from 'chai';
import { Redis } from 'ioredis';
import { revocationKey } from '../../src/shared/login-token.ts';
import { useApi } from './support/api.ts';
import { loginHeaders, loginToken } from './support/login.ts';

const PATH = '/api/stripe/subscription/premium-status';
const ROUTES = [
  ['GET', '/api/stripe/subscription'],
  ['POST', '/api/stripe/subscription'],
  ['DELETE', '/api/stripe/subscription'],
  ['GET', '/api/stripe/subscription/billing-portal'],
  ['GET', '/api/stripe/subscription/premium-status'],
  ['GET', '/api/stripe/payment/history'],
  ['GET', '/api/stripe/payment/stats'],
  ['GET', '/api/stripe/notifications'],
] as const;

describe('A login', () => {
  const api = useApi();
  before(() => api().addUser(42));

  const seconds = () => Math.floor(Date.now() / 1_000);

  it('is accepted when the token proves the user', async () => {
    expect((await api().ask(PATH, { as: 42 })).status).to.equal(200);
  });

  it('is accepted as the token alone, where there is no gateway', async () => {
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect((await api().ask(PATH, { headers: bearer(loginToken(42)) })).status).to.equal(200);
    const named = { ...bearer(loginToken(42)), 'x-user-id': '42' };
    expect((await api().ask(PATH, { headers: named })).status).to.equal(200);
    // What a gateway has made sure of comes before what the browser sent it.
    const passedOn = { ...loginHeaders(42), ...bearer('of-another-service') };
    expect((await api().ask(PATH, { headers: passedOn })).status).to.equal(200);
  });

  const bearer = (claims: object = {}, options?: Parameters<typeof loginToken>[2]) => ({
    authorization: `Bearer ${loginToken(42, { ...claims }, options)}`,
  });
  const refused: [string, () => Record<string, string>][] = [
    ['as a token alone, when X-User-ID is another', () => ({ ...bearer(), 'x-user-id': '43' })],
    ['as a token alone that is forged', () => bearer({}, { secret: 'some-other-secret-key' })],
    ['as a token alone that has expired', () => bearer({ exp: seconds() - 90 })],
    ['as a token alone that is for refreshing', () => bearer({ scope: 'refresh' })],
    ['as a token alone without an algorithm', () => bearer({}, { algorithm: 'none', secret: '' })],
    ['as garbage alone', () => ({ authorization: 'Bearer not.a.token' })],
    ['as a name and a password', () => ({ authorization: `Basic ${btoa('42:42')}` })],
    ['without any header', () => ({})],
    ['with the bare word of X-User-ID', () => ({ 'x-user-id': '42' })],
    ['with an empty token', () => loginHeaders(42, '')],
    ['without X-User-ID', () => ({ 'x-jwt-token': loginToken(42) })],
    ["with another user's token", () => loginHeaders(42, loginToken(43))],
    ['with X-User-ID in another spelling', () => ({ ...loginHeaders(42), 'x-user-id': '042' })],
    [
      'with a forged signature',
      () => loginHeaders(42, loginToken(42, {}, { secret: 'some-other-secret-key' })),
    ],
    ['with another HMAC', () => loginHeaders(42, loginToken(42, {}, { algorithm: 'HS512' }))],
    [
      'with no algorithm at all',
      () => loginHeaders(42, loginToken(42, {}, { algorithm: 'none', secret: '' })),
    ],
    ['with an expired token', () => loginHeaders(42, loginToken(42, { exp: seconds() - 90 }))],
    ['with a token of tomorrow', () => loginHeaders(42, loginToken(42, { nbf: seconds() + 90 }))],
    ['with a token issued tomorrow', () => loginHeaders(42, loginToken(42, { iat: seconds() + 90 }))],
    ['with a refresh token', () => loginHeaders(42, loginToken(42, { scope: 'refresh' }))],
    ['with garbage', () => loginHeaders(42, 'not.a.token')],
  ];
  for (const [what, headers] of refused) {
    it(`is refused ${what}`, async () => {
      for (const [method, path] of ROUTES) {
        const answer = await api().ask(path, { method, headers: headers() });
        expect(answer.status, `${method} ${path}`).to.equal(401);
        expect(answer.body).to.include({ success: false, code: 'unauthorized' });
        expect(answer.body).not.to.have.property('data');
      }
    });
  }

  it('is allowed 60 s of leeway', async () => {
    const headers = loginHeaders(42, loginToken(42, { exp: seconds() - 30, iat: seconds() + 30 }));
    expect((await api().ask(PATH, { headers })).status).to.equal(200);
  });

  it('is refused once the gateway has revoked its token', async () => {
    const token = loginToken(42, { jti: 'logged-out' });
    const redis = new Redis(String(process.env.TEST_REDIS_URL));
    await redis.set(revocationKey(token), '1', 'EX', 60);
    redis.disconnect();
    expect((await api().ask(PATH, { headers: loginHeaders(42, token) })).status).to.equal(401);
    const alone = { authorization: `Bearer ${token}` };
    expect((await api().ask(PATH, { headers: alone })).status).to.equal(401);
    expect((await api().ask(PATH, { as: 42 })).status).to.equal(200);
  });

  it('never writes the token into the log', async () => {
    const token = loginToken(42, { jti: 'secretive' });
    await api().ask(`${PATH}?token=${token}`, {
      headers: { ...loginHeaders(42, token), cookie: `access_token=${token}` },
    });
    await api().ask(PATH, { headers: loginHeaders(41, token) });
    await api().ask(PATH, { headers: { authorization: `Bearer ${token}`, 'x-user-id': '41' } });
    expect(api().log.join('')).not.to.contain(token);
    expect(api().log.some((line) => line.includes('"userId":42'))).to.equal(true);
  });
});
