import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { HttpError } from '../../src/shared/errors.ts';
import {
  createRevocationCheck,
  type IssuedLogin,
  type RevocationCheck,
  verifyLoginToken,
} from '../../src/shared/login-token.ts';
import { atDatabase0 } from '../../src/shared/redis-url.ts';
import { inSeconds, JWT_SECRET, loginToken, part } from './support/tokens.ts';

const neverRevoked: RevocationCheck = async () => false;

async function refusal(token: string, secret = JWT_SECRET, isRevoked = neverRevoked): Promise<HttpError> {
  try {
    await verifyLoginToken(token, { secrets: [secret], isRevoked });
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error('the token was accepted');
}

describe('A login token', () => {
  it('names its user and the end of the login', async () => {
    const exp = inSeconds(600);
    const identity = await verifyLoginToken(loginToken('42', { claims: { exp } }), {
      secrets: [JWT_SECRET],
      isRevoked: neverRevoked,
    });
    expect(identity).to.deep.equal({ userId: 42, expiresAt: new Date(exp * 1_000) });
  });

  // Functions, because the file is read long before its tests run.
  for (const [story, claimsNow] of Object.entries({
    'expired 50 s ago': () => ({ exp: inSeconds(-50) }),
    'is valid in 50 s': () => ({ nbf: inSeconds(50) }),
    'was issued 50 s from now': () => ({ iat: inSeconds(50) }),
    'has no scope': () => ({ scope: undefined }),
    'has neither iat nor nbf': () => ({ iat: undefined }),
    'has the highest possible user id': () => ({ sub: '2147483647' }),
  })) {
    it(`is accepted when it ${story}`, async () => {
      await verifyLoginToken(loginToken('42', { claims: claimsNow() }), {
        secrets: [JWT_SECRET],
        isRevoked: neverRevoked,
      });
    });
  }

  for (const [story, claimsNow] of Object.entries({
    'expired 70 s ago': () => ({ exp: inSeconds(-70) }),
    'has no expiry': () => ({ exp: undefined }),
    'has an expiry that is no number': () => ({ exp: 'tomorrow' }),
    'has an expiry beyond all time': () => ({ exp: 1e300 }),
    'is valid in 70 s': () => ({ nbf: inSeconds(70) }),
    'was issued 70 s from now': () => ({ iat: inSeconds(70) }),
    'has an iat that is no number': () => ({ iat: 'yesterday' }),
    'is a refresh token': () => ({ scope: 'refresh' }),
    'has a scope that is null': () => ({ scope: null }),
    'has no subject': () => ({ sub: undefined }),
    'has a number as subject': () => ({ sub: 42 }),
    'has subject 0': () => ({ sub: '0' }),
    'has a negative subject': () => ({ sub: '-1' }),
    'has a subject with a leading zero': () => ({ sub: '042' }),
    'has a subject that is no number': () => ({ sub: '42; drop table users' }),
    'has a subject beyond the column': () => ({ sub: '2147483648' }),
  })) {
    it(`is refused with 401 when it ${story}`, async () => {
      expect((await refusal(loginToken('42', { claims: claimsNow() }))).status).to.equal(401);
    });
  }

  it('is refused when another key signed it', async () => {
    const error = await refusal(loginToken('42', { secret: 'some-other-secret-16' }));
    expect([error.status, error.code]).to.deep.equal([401, 'unauthorized']);
  });

  it('is refused when its claims were changed after signing', async () => {
    const [header, , signature] = loginToken('42').split('.');
    const forged = part({ sub: '1', exp: inSeconds(600) });
    expect((await refusal(`${header}.${forged}.${signature}`)).status).to.equal(401);
  });

  for (const alg of ['none', 'None', 'HS384', 'HS512', 'RS256']) {
    it(`is refused when it claims the algorithm ${alg}`, async () => {
      expect((await refusal(loginToken('42', { header: { alg } }))).status).to.equal(401);
      const unsigned = `${part({ alg, typ: 'JWT' })}.${part({ sub: '42', exp: inSeconds(600) })}.`;
      expect((await refusal(unsigned)).status).to.equal(401);
    });
  }

  it('is refused when it is signed by RSA and our secret is the public key, or the other way round', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: '42', exp: inSeconds(600) })}`;
    const rsaSigned = `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
    expect((await refusal(rsaSigned, pem)).status).to.equal(401);
    expect((await refusal(loginToken('42', { secret: pem, header: { alg: 'RS256' } }), pem)).status).to.equal(
      401,
    );
  });

  for (const garbage of [
    '',
    '.',
    '..',
    'a.b.c',
    'null',
    '🦊',
    loginToken('42').slice(0, -2),
    `${loginToken('42')}A`,
  ]) {
    it(`is refused when it is ${JSON.stringify(garbage.slice(0, 8))} (${garbage.length} characters)`, async () => {
      expect((await refusal(garbage)).status).to.equal(401);
    });
  }

  it('is refused when it was revoked', async () => {
    const token = loginToken('42', { claims: { iat: inSeconds(-5) } });
    const asked: [string, IssuedLogin][] = [];
    const error = await refusal(token, JWT_SECRET, async (...given) => asked.push(given) > 0);
    expect([error.status, error.message]).to.deep.equal([401, 'The login token was revoked: log in again']);
    expect(asked).to.deep.equal([[token, { userId: 42, issuedAt: inSeconds(-5) }]]);
  });

  it('is refused when its expiry is infinite, which JSON can say as 1e400', async () => {
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${Buffer.from('{"sub":"42","exp":1e400}').toString('base64url')}`;
    const signature = createHmac('sha256', JWT_SECRET).update(signed).digest('base64url');
    const error = await refusal(`${signed}.${signature}`);
    expect([error.status, error.message]).to.deep.equal([
      401,
      'The login token has an expiry that is no time (exp)',
    ]);
  });

  it('is refused with 503 while nobody can say whether it was revoked', async () => {
    const away = createRevocationCheck({
      exists: async () => 0,
      get: async () => {
        throw new Error('connect ECONNREFUSED');
      },
    } as unknown as Parameters<typeof createRevocationCheck>[0]);
    const error = await refusal(loginToken('42'), JWT_SECRET, away);
    expect([error.status, error.headers['retry-after']]).to.deep.equal([503, '5']);
  });

  it('never reaches Redis, nor an error message, when it is forged', async () => {
    const token = loginToken('42', { secret: 'some-other-secret-16' });
    const error = await refusal(token, JWT_SECRET, async () => {
      throw new Error('asked Redis');
    });
    expect(error.message).not.to.contain(token.slice(0, 12));
  });

  it('is looked up in database 0 whichever one the queues use', () => {
    expect(atDatabase0('redis://:pw@host:6379/3')).to.equal('redis://:pw@host:6379');
    expect(atDatabase0('rediss://host:6379?db=2')).to.equal('rediss://host:6379');
  });
});
