import type { Random } from '../../chaos/random.ts';
import { type FuzzRequest, write } from '../request.ts';
import type { World } from '../world.ts';

const ADMIN = [
  ['web', 'GET', '/api/admin/webhook/events'],
  ['web', 'POST', '/api/admin/webhook/retry'],
  ['web', 'POST', '/api/admin/payment/sync'],
  ['web', 'POST', '/api/admin/payment/sync/91'],
  ['web', 'GET', '/admin/queues'],
  ['web', 'GET', '/admin/queues/api/queues'],
  ['web', 'PUT', '/admin/queues/api/queues/stripe-events/retry/failed'],
  ['gateway', 'POST', '/api/internal/websocket/broadcast'],
  ['gateway', 'GET', '/api/internal/websocket/stats'],
  ['gateway', 'GET', '/api/internal/users/91/online-status'],
  ['gateway', 'POST', '/api/internal/users/online-status/bulk'],
] as const;

/** Ways to spell the service's admin routes so that the gateway might pass them on. */
const DETOURS = [
  '/api/stripe/../admin/webhook/events',
  '/api/stripe/subscription/../../admin/webhook/events',
  '/api/stripe/subscription/%2e%2e/%2e%2e/admin/webhook/events',
  '/api/stripe/subscription/..%2f..%2fadmin/webhook/events',
  '/api/stripe/subscription/..;/..;/admin/webhook/events',
  '/api/stripe/subscription\\..\\..\\admin\\webhook\\events',
  '//api/admin/webhook/events',
  '/api//admin/webhook/events',
  '/api/./admin/webhook/events',
  '/api/admin/webhook/events',
  '/API/ADMIN/webhook/events',
  '/api/%61dmin/webhook/events',
  '/api/v1/stripe/webhook/../../../admin/webhook/events',
  'http://127.0.0.1/api/admin/webhook/events',
  '/api/paiements/health/../../admin/webhook/events',
  '/api/stripe/payment/history/../../../admin/webhook/events',
] as const;

/** Somebody who wants what only operators and other services may have. */
export function forgedKey(random: Random, { secrets }: World): FuzzRequest {
  const key = secrets.internalKey;
  if (random.chance(0.3)) {
    const path = random.pick(DETOURS);
    // With the very key: through the gateway it opens nothing, either.
    return made('a detour to the admin routes', 'gateway', 'GET', path, [['X-Internal-Key', key]]);
  }
  const [server, method, path] = random.pick(ADMIN);
  const [kind, headers] = random.pick<readonly [string, (readonly [string, string])[]]>([
    ['no key', []],
    ['an empty key', [['X-Internal-Key', '']]],
    ['a wrong key', [['X-Internal-Key', 'x'.repeat(random.between(1, 200))]]],
    ['the beginning of the key', [['X-Internal-Key', key.slice(0, random.between(1, key.length - 1))]]],
    ['the key and more', [['X-Internal-Key', `${key}x`]]],
    ['the key in capitals', [['X-Internal-Key', key.toUpperCase().replace(/^\d+$/, 'X')]]],
    [
      'the key twice',
      [
        ['X-Internal-Key', key],
        ['X-Internal-Key', key],
      ],
    ],
    [
      'the key elsewhere',
      [
        ['Authorization', `Bearer ${key}`],
        ['X-Api-Key', key],
        ['Cookie', `key=${key}`],
      ],
    ],
    [
      'an address of our own',
      [
        ['X-Forwarded-For', '127.0.0.1'],
        ['X-Real-IP', '10.0.0.1'],
        ['User-Agent', 'matcha-internal'],
      ],
    ],
    [
      'a guessed session',
      [['Cookie', `__Host-board=${'a'.repeat(43)}; board_session=${'a'.repeat(64)}; session=1`]],
    ],
    ['a password', [['Authorization', `Basic ${Buffer.from('admin:admin').toString('base64')}`]]],
  ]);
  return made(`${kind}`, server, method, path, headers);
}

function made(
  kind: string,
  server: FuzzRequest['server'],
  method: string,
  path: string,
  headers: readonly (readonly [string, string])[],
): FuzzRequest {
  const body =
    method === 'GET'
      ? {}
      : { body: '{"type":"premium_activated","user_id":"91","data":{},"user_ids":["91"]}' };
  const bytes = write({ method, path, headers: [...headers, ['Content-Type', 'application/json']], ...body });
  return { kind: `operator: ${kind}`, expect: 'refused', server, method, bytes, reusable: true };
}
