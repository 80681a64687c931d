import { expect } from 'chai';
import { Api, useApi } from './support/api.ts';
import { loginHeaders, loginToken } from './support/login.ts';

const OLD = 'the-old-jwt-secret-of-all';
const NEW = 'the-new-jwt-secret-of-all';
const KEYS = 'the-old-internal-key, the-new-internal-key';
const PATH = '/api/stripe/subscription';

describe('While secrets are being rotated', () => {
  const api = useApi(() => ({ env: { JWT_SECRET: `${OLD},${NEW}`, INTERNAL_API_KEY: KEYS } }));
  before(() => api().addUser(42));

  const as = (secret: string, claims: Record<string, unknown> = {}) => ({
    headers: loginHeaders(42, loginToken(42, claims, { secret })),
  });

  it('logins of the old and of the new secret are valid, and of no other', async () => {
    expect((await api().ask(PATH, as(OLD))).status).to.equal(200);
    expect((await api().ask(PATH, as(NEW))).status).to.equal(200);
    for (const secret of [`${OLD},${NEW}`, 'a-secret-of-nobody-here', `${NEW}x`]) {
      expect((await api().ask(PATH, as(secret))).status).to.equal(401);
    }
  });

  it('a login is told why it is not valid, whichever secret made it', async () => {
    const expired = { exp: Math.floor(Date.now() / 1_000) - 90 };
    for (const secret of [OLD, NEW]) {
      expect((await api().ask(PATH, as(secret, expired))).body.error).to.contain('expired');
    }
    expect((await api().ask(PATH, as('a-secret-of-nobody-here', expired))).body.error).not.to.contain(
      'expired',
    );
  });

  it('operators come in with either key, and with no other', async () => {
    const status = async (key: string): Promise<number> =>
      (await api().ask('/api/admin/attention', { headers: { 'x-internal-key': key } })).status;
    expect(await status('the-old-internal-key')).to.equal(200);
    expect(await status('the-new-internal-key')).to.equal(200);
    expect(await status(KEYS)).to.equal(401);
    expect(await status('the-old-internal-key,the-new-internal-key')).to.equal(401);
    expect(await status('')).to.equal(401);
  });
});

describe('A list of secrets', () => {
  for (const env of [
    { JWT_SECRET: `${NEW},short` },
    { JWT_SECRET: ' , ' },
    { INTERNAL_API_KEY: 'the-internal-key,short' },
  ]) {
    const [[name = '', value] = []] = Object.entries(env);
    it(`is refused when ${name} is ${JSON.stringify(value)}`, async () => {
      const problem = await Api.start({ env }).then(
        (api) => api.close().then(() => 'started'),
        (error: Error) => error.message,
      );
      expect(problem).to.contain(`${name} must have at least`);
      expect(problem).not.to.contain('short');
    });
  }
});
