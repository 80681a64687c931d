import type { Random } from '../../chaos/random.ts';
import { type FuzzRequest, write } from '../request.ts';
import { MEMBERS, tokenOf, VICTIMS, type World } from '../world.ts';
import { forgedToken } from './forged-token.ts';

const USER_ROUTES = [
  ['GET', '/api/stripe/subscription'],
  ['GET', '/api/stripe/subscription/premium-status'],
  ['GET', '/api/stripe/subscription/billing-portal'],
  ['GET', '/api/stripe/payment/history?limit=100'],
  ['GET', '/api/stripe/payment/stats'],
  ['GET', '/api/stripe/notifications?limit=100'],
  ['POST', '/api/stripe/subscription'],
  ['DELETE', '/api/stripe/subscription'],
  ['POST', '/api/stripe/create-checkout-session'],
] as const;

const BODY = '{"plan":"annuel","plan_type":"annuel","at_period_end":false}';

type Header = readonly [string, string];

/** Somebody who says to be a victim and cannot prove it. */
export function forgedIdentity(random: Random, world: World): FuzzRequest {
  const [method, path] = random.pick(USER_ROUTES);
  const { kind, token } = forgedToken(random, world);
  const victim = String(random.pick(VICTIMS));
  const isPublic = path.endsWith('create-checkout-session');
  if (random.chance(0.5)) {
    const headers: Header[] = [
      ['X-User-ID', victim],
      ['X-JWT-Token', token],
    ];
    // A guest may buy without any token.
    const guest = isPublic && token === '';
    return made(`web, token: ${kind}`, guest ? 'survived' : 'refused', 'web', method, path, headers);
  }
  const [where, headers, query] = random.pick<readonly [string, Header[], string]>([
    ['bearer', [['Authorization', `Bearer ${token}`]], ''],
    ['cookie', [['Cookie', `access_token=${token}`]], ''],
    ['query', [], `${path.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`],
    [
      'headers of the gateway',
      [
        ['X-User-ID', victim],
        ['X-JWT-Token', token],
      ],
      '',
    ],
    [
      'headers with underscores',
      [
        ['X_User_ID', victim],
        ['X_JWT_Token', token],
      ],
      '',
    ],
    [
      'headers named by Connection',
      [
        ['Connection', 'X-User-ID, X-JWT-Token'],
        ['X-User-ID', victim],
        ['Authorization', `Bearer ${token}`],
      ],
      '',
    ],
  ]);
  // Where the gateway asks for no login, it drops what it does not believe: that is a guest again.
  const dropped = isPublic && (where.startsWith('headers') || !isSent(token));
  const expect = dropped ? 'survived' : 'refused';
  return made(`gateway, ${where}: ${kind}`, expect, 'gateway', method, path + query, headers);
}

/** Whether a token survives being put into a header, a cookie or a query. */
function isSent(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token) && !/[",;\\]/.test(token);
}

/** A member who is logged in and says to be somebody else besides. */
export function borrowedIdentity(random: Random, { secrets }: World): FuzzRequest {
  const member = random.pick(MEMBERS);
  const token = tokenOf(secrets.jwtSecret, member);
  const victim = String(random.pick(VICTIMS));
  const [method, path] = random.pick(USER_ROUTES.slice(0, 5));
  if (random.chance(0.5)) {
    const claimed = random.pick([
      victim,
      ` ${member}1`,
      `${member},${victim}`,
      `0${member}`,
      `${member}.0`,
      '',
    ]);
    return made('web, X-User-ID of another', 'refused', 'web', method, path, [
      ['X-User-ID', claimed],
      ['X-JWT-Token', token],
    ]);
  }
  const request = made(
    'gateway, X-User-ID of another',
    'survived',
    'gateway',
    'GET',
    '/api/stripe/payment/history',
    [
      ['Authorization', `Bearer ${token}`],
      ['X-User-ID', victim],
      ['X-JWT-Token', random.chance(0.5) ? token : 'x'],
    ],
  );
  // Only victims have a payment here.
  return {
    ...request,
    inspect: (body) => (body.includes('"total":0') ? undefined : `saw a victim’s payments: ${body}`),
  };
}

/** A member as the gateway lets them in; shows that the forged ones are refused for what is wrong with them. */
export function genuineIdentity(random: Random, { secrets }: World): FuzzRequest {
  const member = random.pick(MEMBERS);
  const token = tokenOf(secrets.jwtSecret, member);
  const path = random.pick([
    '/api/stripe/subscription',
    '/api/stripe/payment/history',
    '/api/stripe/subscription/premium-status',
  ]);
  return random.chance(0.5)
    ? made('genuine login at web', 'served', 'web', 'GET', path, [
        ['X-User-ID', String(member)],
        ['X-JWT-Token', token],
      ])
    : made('genuine login at the gateway', 'served', 'gateway', 'GET', path, [
        ['Authorization', `Bearer ${token}`],
      ]);
}

function made(
  kind: string,
  expect: FuzzRequest['expect'],
  server: FuzzRequest['server'],
  method: string,
  path: string,
  headers: readonly Header[],
): FuzzRequest {
  const sent = headers.map(([name, value]) => [name, value.replaceAll(/[\r\n\0]/g, '')] as const);
  const bytes = write({
    method,
    path,
    headers: [...sent, ['Content-Type', 'application/json']],
    ...(method === 'GET' ? {} : { body: BODY }),
  });
  return { kind, expect, server, method, bytes, reusable: true };
}
