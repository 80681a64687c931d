import type { Random } from '../../chaos/random.ts';
import { type FuzzRequest, write } from '../request.ts';
import { MEMBERS, tokenOf, type World } from '../world.ts';

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'LOCK',
  'get',
  'X',
] as const;
const STRANGE = [
  '%',
  '%00',
  '%ff',
  '%c0%af',
  '..',
  '//',
  ';a=b',
  '?',
  '?limit=-1',
  '?limit=1e9&offset=NaN',
  '?limit[]=1',
  '?a=%',
  '?__proto__=1',
  "?offset='--",
  '/'.repeat(50),
  'é',
  '\u{1f600}',
  '#x',
  '?limit=10&limit=20',
] as const;
const BODIES = [
  '',
  '{',
  '{}',
  '[]',
  'null',
  '"x"',
  '{"plan":null}',
  '{"plan":["mensuel"]}',
  '{"plan":"mensuel","plan":"annuel"}',
  '{"plan_type":{"$ne":1}}',
  '{"at_period_end":"no"}',
  '{"__proto__":{"plan":"mensuel"}}',
  '{"plan":"\\u0000"}',
  `{"plan":"${'a'.repeat(5_000)}"}`,
  '\ufeff{"plan":"mensuel"}',
  `${'['.repeat(3_000)}`,
  '{"user_id":91}',
] as const;
const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'text/xml',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'x',
  '',
] as const;
const HEADERS: readonly (readonly [string, string])[] = [
  ['Accept', '*/*;q=nope'],
  ['Accept-Encoding', 'gzip, deflate, br, x'],
  ['Content-Encoding', 'gzip'],
  ['Expect', '100-continue'],
  ['Expect', 'nonsense'],
  ['If-None-Match', '*'],
  ['Origin', 'null'],
  ['Origin', 'https://evil.example'],
  ['Access-Control-Request-Method', 'DELETE'],
  ['Range', 'bytes=0-1,5-'],
  ['X-Request-Id', 'x'.repeat(300)],
  ['X-Request-Id', '"><script>'],
  ['X-Forwarded-For', ', , ,::1, 999.999.999.999'],
  ['X-Forwarded-Proto', 'https, gopher'],
  ['traceparent', '00-00000000000000000000000000000000-0000000000000000-ff'],
  ['Cookie', '=;;;a=b; a; ='],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['Content-Type', 'application/json'],
  ['X-User-ID', '1'.repeat(400)],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Forwarded', 'for="_x";;;'],
];

/** Any route, any method, any header, any body; half of the time as somebody who may come in. */
export function noise(random: Random, world: World): FuzzRequest {
  const route = random.pick(world.routes);
  const method = random.chance(0.6) ? route.method : random.pick(METHODS);
  const path = random.chance(0.5) ? route.path : twisted(route.path, random);
  const server = random.chance(0.5) ? 'web' : 'gateway';
  const headers = Array.from({ length: random.between(0, 4) }, () => random.pick(HEADERS));
  const body = random.chance(0.5) ? { body: random.pick(BODIES) } : {};
  const bytes = write({
    method,
    path: encodeOrNot(path, random),
    headers: [...credentials(random, world), ...headers, ['Content-Type', random.pick(TYPES)]],
    ...body,
  });
  // An upgrade leaves HTTP, and Expect may be answered before the body is read.
  const reusable = !/\r\n(upgrade|expect):/i.test(bytes.toString('latin1'));
  return { kind: 'noise', expect: 'survived', server, method, bytes, reusable };
}

function credentials(random: Random, { secrets }: World): (readonly [string, string])[] {
  const member = random.pick(MEMBERS);
  const token = tokenOf(secrets.jwtSecret, member);
  return random.pick<() => (readonly [string, string])[]>([
    () => [],
    () => [['Authorization', `Bearer ${token}`]],
    () => [
      ['X-User-ID', String(member)],
      ['X-JWT-Token', token],
    ],
    () => [['X-Internal-Key', secrets.internalKey]],
  ])();
}

function twisted(path: string, random: Random): string {
  const at = random.between(1, path.length);
  return path.slice(0, at) + random.pick(STRANGE) + path.slice(at);
}

function encodeOrNot(path: string, random: Random): string {
  const clean = path.replaceAll(/[^\x21-\xff]/g, (char) =>
    encodeURIComponent(char.isWellFormed() ? char : '?'),
  );
  return random.chance(0.05) ? clean.replaceAll('/', '%2F') : clean;
}
