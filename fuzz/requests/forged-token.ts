import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import type { Random } from '../../chaos/random.ts';
import { tokenOf, VICTIMS, type World } from '../world.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const PUBLIC_PEM = String(publicKey.export({ type: 'spki', format: 'pem' }));
const JWK = publicKey.export({ format: 'jwk' });

type Json = Record<string, unknown>;

/** A login token of a victim that is not one, and what is wrong with it. */
export function forgedToken(random: Random, { secrets, revoked }: World): { kind: string; token: string } {
  const now = Math.floor(Date.now() / 1_000);
  const user = String(random.pick(VICTIMS));
  const claims: Json = { sub: user, scope: 'access', iat: now, exp: now + 7_200 };
  const hs = (header: Json, payload: Json, key: string, hash = 'sha256'): string => {
    const text = `${part(header)}.${part(payload)}`;
    return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`;
  };
  const good = (payload: Json): string => hs({ alg: 'HS256', typ: 'JWT' }, payload, secrets.jwtSecret);
  const own = tokenOf(secrets.jwtSecret, 11);
  const [kind, make] = random.pick<readonly [string, () => string]>([
    [
      'alg none',
      () =>
        `${part({ alg: random.pick(['none', 'None', 'NONE', 'nOnE', '']), typ: 'JWT' })}.${part(claims)}.`,
    ],
    ['alg none with a signature', () => `${part({ alg: 'none' })}.${part(claims)}.${own.split('.')[2]}`],
    ['no alg', () => hs({ typ: 'JWT' }, claims, secrets.jwtSecret)],
    ['no signature', () => good(claims).replace(/[^.]*$/, '')],
    ['a wrong key', () => hs({ alg: 'HS256' }, claims, `key-${random.next()}`)],
    ['an empty key', () => hs({ alg: 'HS256' }, claims, '')],
    ['a public key as the key', () => hs({ alg: 'HS256' }, claims, PUBLIC_PEM)],
    ['RS256 with a key of our own', () => rs256({ alg: 'RS256' }, claims)],
    ['RS256 with its key along', () => rs256({ alg: 'RS256', jwk: JWK }, claims)],
    ['RS256 signed as HS256', () => hs({ alg: 'RS256' }, claims, secrets.jwtSecret)],
    ['HS512', () => hs({ alg: 'HS512' }, claims, secrets.jwtSecret, 'sha512')],
    ['HS384', () => hs({ alg: 'HS384' }, claims, secrets.jwtSecret, 'sha384')],
    [
      'a kid that is a path',
      () =>
        hs(
          { alg: 'HS256', kid: random.pick(['../../dev/null', "' or 1=1", '/proc/self/environ']) },
          claims,
          '',
        ),
    ],
    [
      'a jku',
      () => rs256({ alg: 'RS256', jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/x' }, claims),
    ],
    ['another’s claims under our signature', () => own.replace(/\.[^.]*\./, `.${part(claims)}.`)],
    ['an end in the past', () => good({ ...claims, exp: now - 61 - random.between(0, 9e8) })],
    ['no end', () => good({ ...claims, exp: undefined })],
    [
      'an end that is no number',
      () => good({ ...claims, exp: random.pick(['never', [], {}, '9999999999', null]) }),
    ],
    ['a beginning in the future', () => good({ ...claims, nbf: now + 120 })],
    ['a date in the future', () => good({ ...claims, iat: now + 120 })],
    [
      'another scope',
      () =>
        good({
          ...claims,
          scope: random.pick(['refresh', 'Access', '', null, ['access'], 'access refresh']),
        }),
    ],
    [
      'no user',
      () =>
        good({
          ...claims,
          sub: random.pick([
            null,
            '',
            '0',
            '-1',
            '1e3',
            ' 91',
            '91 ',
            '0x5b',
            '９１',
            '91\u0000',
            '91,92',
            91,
            [91],
            { id: 91 },
            '99999999999',
          ]),
        }),
    ],
    ['revoked', () => random.pick(revoked)],
    [
      'no token at all',
      () =>
        random.pick([
          '',
          '.',
          '..',
          '...',
          'null',
          'undefined',
          'a.b.c',
          'A'.repeat(9_000),
          '%00',
          'eyJ',
          '{}',
        ]),
    ],
    [
      'claims that are no object',
      () => `${part({ alg: 'HS256' })}.${Buffer.from('"x"').toString('base64url')}.${own.split('.')[2]}`,
    ],
  ]);
  return { kind, token: make() };

  function rs256(header: Json, payload: Json): string {
    const text = `${part(header)}.${part(payload)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  }
}

function part(value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
