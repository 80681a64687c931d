import type { Random } from '../../chaos/random.ts';
import { type FuzzRequest, write } from '../request.ts';
import type { World } from '../world.ts';

/** Requests that are broken as HTTP: cut off, framed twice, smuggled, or no HTTP at all. */
export function brokenFraming(random: Random, world: World): FuzzRequest {
  const route = random.pick(world.routes);
  const body = '{"plan":"mensuel"}';
  const whole = write({
    method: route.method,
    path: route.path,
    headers: [['Content-Type', 'application/json']],
    body,
  });
  const line = `${route.method} ${route.path} HTTP/1.1\r\nHost: a\r\n`;
  const admin = 'GET /api/admin/webhook/events HTTP/1.1\r\nHost: a\r\n\r\n';
  const [kind, bytes] = random.pick<readonly [string, () => Buffer | string]>([
    ['cut off', () => whole.subarray(0, random.between(1, whole.length - 1))],
    ['a length that is too long', () => `${line}Content-Length: ${body.length + 10}\r\n\r\n${body}`],
    ['a length that is too short', () => `${line}Content-Length: 3\r\n\r\n${body}`],
    ['two lengths', () => `${line}Content-Length: 3\r\nContent-Length: 18\r\n\r\n${body}`],
    [
      'a length that is none',
      () => `${line}Content-Length: ${random.pick(['-1', '+3', '0x3', '1e1', 'x', ''])}\r\n\r\n${body}`,
    ],
    [
      'length and chunks',
      () => `${line}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${admin}`,
    ],
    [
      'chunks and length',
      () => `${line}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${admin}`,
    ],
    [
      'chunks in disguise',
      () =>
        `${line}Transfer-Encoding: ${random.pick(['xchunked', 'chunked, identity', ' chunked', 'gzip', '\tchunked'])}\r\n\r\n0\r\n\r\n`,
    ],
    [
      'broken chunks',
      () =>
        `${line}Transfer-Encoding: chunked\r\n\r\n${random.pick(['zz\r\n', 'ffffffffffffffff\r\n', '5\r\nab\r\n0\r\n\r\n', '-1\r\n'])}`,
    ],
    [
      'good chunks',
      () =>
        `${line}Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n12\r\n${body}\r\n0\r\n\r\n`,
    ],
    ['a folded header', () => `${line}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`],
    ['bare line feeds', () => `${line.replaceAll('\r\n', '\n')}\n`],
    ['a null byte', () => `${line}X-A: \0\r\n\r\n`],
    ['a space before the colon', () => `${line}Content-Length : 18\r\n\r\n${body}`],
    ['many headers', () => `${line}${'X-A: b\r\n'.repeat(random.between(500, 3_000))}\r\n`],
    ['a huge header', () => `${line}X-A: ${'a'.repeat(random.between(10_000, 40_000))}\r\n\r\n`],
    ['a huge path', () => `GET /${'a'.repeat(random.between(10_000, 40_000))} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['no host', () => `${route.method} ${route.path} HTTP/1.1\r\n\r\n`],
    ['two hosts', () => `${line}Host: b\r\n\r\n`],
    [
      'another version',
      () =>
        `${route.method} ${route.path} HTTP/${random.pick(['0.9', '1.0', '2.0', '3', '1.1.1', 'x'])}\r\n\r\n`,
    ],
    ['an absolute target', () => `GET http://evil.example${route.path} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['CONNECT', () => 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n'],
    [
      'a target without a slash',
      () => `GET ${random.pick(['*', 'x', '?', '\\', '///', 'http://', ':80'])} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ],
    [
      'bytes',
      () => Buffer.from(Array.from({ length: random.between(1, 300) }, () => random.between(0, 255))),
    ],
    ['TLS', () => Buffer.from('16030100', 'hex')],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [
      'a WebSocket without its key',
      () => 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['two requests in one', () => Buffer.concat([whole, Buffer.from(admin)])],
  ]);
  return {
    kind: `framing: ${kind}`,
    expect: 'survived',
    server: random.chance(0.5) ? 'web' : 'gateway',
    method: route.method,
    bytes: Buffer.from(bytes() as Buffer),
    reusable: false,
    // The server would rightly wait for the rest; a client that has ended has none.
    endAfter: true,
    inspect: (answer) =>
      answer.includes('stripe_event_id') ? `reached the admin routes: ${answer}` : undefined,
  };
}
