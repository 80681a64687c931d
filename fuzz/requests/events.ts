import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Random } from '../../chaos/random.ts';
import { type FuzzRequest, write } from '../request.ts';
import { VICTIMS, type World } from '../world.ts';

const PATHS = ['/api/stripe/webhook', '/api/stripe/webhook/', '/api/stripe/webhook?a=1'] as const;

/** An event that would make a victim premium, were it believed. */
function eventBody(id: string, random: Random): string {
  const user = String(random.pick(VICTIMS));
  return JSON.stringify({
    id,
    object: 'event',
    type: random.pick(['customer.subscription.created', 'invoice.paid', 'checkout.session.completed']),
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    api_version: '2026-10-28.endive',
    data: {
      object: {
        id: `sub_${id}`,
        object: 'subscription',
        customer: `cus_${id}`,
        status: 'active',
        metadata: { user_id: user, plan_type: 'annuel' },
        items: { object: 'list', data: [] },
      },
    },
  });
}

function sign(body: string | Buffer, secret: string, at: number): string {
  return createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex');
}

/** An event of somebody who does not know the secret, or who comes too late. */
export function forgedEvent(number: number, random: Random, { secrets }: World): FuzzRequest {
  const secret = secrets.webhookSecret;
  const now = Math.floor(Date.now() / 1_000);
  const body = eventBody(`evt_forged_${number}`, random);
  const good = sign(body, secret, now);
  const other = JSON.stringify({ id: 'evt_other' });
  const [kind, header, sent] = random.weighted<() => readonly [string, string | undefined, string | Buffer]>([
    [2, () => ['no signature', undefined, body]],
    [2, () => ['a wrong secret', `t=${now},v1=${sign(body, `whsec_${random.next()}`, now)}`, body]],
    [1, () => ['an empty secret', `t=${now},v1=${sign(body, '', now)}`, body]],
    [1, () => ['the secret without its prefix', `t=${now},v1=${sign(body, secret.slice(6), now)}`, body]],
    [
      2,
      () => [
        'a stale signature',
        `t=${now - 301 - random.between(0, 9e6)},v1=${sign(body, secret, now)}`,
        body,
      ],
    ],
    [
      2,
      () => {
        const then = now - 305 - random.between(0, 9e6);
        return ['an old event replayed', `t=${then},v1=${sign(body, secret, then)}`, body];
      },
    ],
    [
      2,
      () => {
        const then = now + 320 + random.between(0, 9e6);
        return ['a signature of the future', `t=${then},v1=${sign(body, secret, then)}`, body];
      },
    ],
    [2, () => ['another body’s signature', `t=${now},v1=${sign(other, secret, now)}`, body]],
    [2, () => ['a changed time', `t=${now - random.between(1, 200)},v1=${good}`, body]],
    [2, () => ['a body changed after signing', `t=${now},v1=${good}`, altered(body, random)]],
    [1, () => ['the scheme v0', `t=${now},v0=${good}`, body]],
    [1, () => ['no time', `v1=${good}`, body]],
    [1, () => ['two times', `t=${now},t=${now - 1},v1=${sign(body, secret, now - 1)}`, body]],
    [1, () => ['a truncated signature', `t=${now},v1=${good.slice(0, random.between(0, 63))}`, body]],
    [1, () => ['a signature of bits', `t=${now},v1=${flipped(good, random)}`, body]],
    [
      1,
      () => [
        'a time that is none',
        `t=${random.pick(['NaN', '1e9', '-1', '0x1', '', ' ', '٣'])},v1=${good}`,
        body,
      ],
    ],
    [1, () => ['a long header', `t=${now},${'v1=00,'.repeat(random.between(10, 1_500))}v1=00`, body]],
    [1, () => ['a compressed body', `t=${now},v1=${good}`, gzipSync(body)]],
    [1, () => ['another encoding', `t=${now},v1=${good}`, Buffer.from(body, 'utf16le')]],
  ])();
  return {
    kind: `event with ${kind}`,
    expect: 'refused',
    ...send(random, header === undefined ? [] : [['Stripe-Signature', header]], sent),
  };
}

/** An event as Stripe sends it; shows that the forged ones are refused for what is wrong with them. */
export function genuineEvent(number: number, random: Random, { secrets }: World): FuzzRequest {
  const now = Math.floor(Date.now() / 1_000);
  const body = JSON.stringify({
    id: `evt_genuine_${number}`,
    object: 'event',
    type: 'fuzz.genuine',
    created: now,
    livemode: false,
    api_version: null,
    data: { object: { id: `obj_${number}`, object: 'thing' } },
  });
  const header = `t=${now},v1=${sign(body, secrets.webhookSecret, now)}`;
  return { kind: 'genuine event', expect: 'served', ...send(random, [['Stripe-Signature', header]], body) };
}

/** Rightly signed, but nothing that Stripe would ever send. */
export function strangeEvent(number: number, random: Random, { secrets }: World): FuzzRequest {
  const now = Math.floor(Date.now() / 1_000);
  const base = {
    id: `evt_strange_${number}`,
    object: 'event',
    type: 'invoice.paid',
    created: now,
    livemode: false,
  };
  const body = random.pick<() => string | Buffer>([
    () => '',
    () => 'null',
    () => '[]',
    () => '"event"',
    () => '{"object":"event"}',
    () => `${'['.repeat(random.between(100, 20_000))}`,
    () => `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
    () => JSON.stringify({ ...base, data: null }),
    () => JSON.stringify({ ...base, data: { object: [] } }),
    () => JSON.stringify({ ...base, id: 'x'.repeat(300) }),
    () => JSON.stringify({ ...base, id: { $ne: null } }),
    () => JSON.stringify({ ...base, created: random.pick([-1, 1e30, 0.5, '1', null]) }),
    () =>
      JSON.stringify({
        ...base,
        type: random.pick(['', '__proto__', 'constructor', 'a'.repeat(101), '\u0000']),
      }),
    () =>
      JSON.stringify({
        ...base,
        data: { object: { id: 'in_\u0000', object: 'invoice', customer: '\ud800' } },
      }),
    () => JSON.stringify({ ...base, livemode: true, data: { object: { id: 'in_1', object: 'invoice' } } }),
    () => JSON.stringify({ id: 'evt_thin', object: 'v2.core.event', type: 'v1.billing.meter.error' }),
    () => `{"__proto__":{"polluted":true},${JSON.stringify({ ...base, data: { object: {} } }).slice(1)}`,
    () => 'x'.repeat(512 * 1_024 + random.between(-2, 2)),
    () => Buffer.from(Array.from({ length: random.between(1, 400) }, () => random.between(0, 255))),
  ])();
  const header = `t=${now},v1=${sign(body, secrets.webhookSecret, now)}`;
  return { kind: 'strange event', expect: 'survived', ...send(random, [['Stripe-Signature', header]], body) };
}

function send(
  random: Random,
  headers: readonly (readonly [string, string])[],
  body: string | Buffer,
): Pick<FuzzRequest, 'server' | 'method' | 'bytes' | 'reusable'> {
  const type = random.pick(['application/json', 'application/json; charset=utf-8', 'text/plain', '']);
  return {
    server: random.chance(0.7) ? 'web' : 'gateway',
    method: 'POST',
    // Larger ones may be refused before they are read, and what is left of them is not a request.
    reusable: body.length < 500_000,
    bytes: write({
      method: 'POST',
      path: random.pick(PATHS.slice(0, 2)),
      headers: [...headers, ['Content-Type', type]],
      body,
    }),
  };
}

function altered(body: string, random: Random): string | Buffer {
  return random.pick<() => string | Buffer>([
    () => `${body} `,
    () => ` ${body}`,
    () => `\ufeff${body}`,
    () => body.replace('"active"', '"Active"'),
    () => body.replace('annuel', 'mensuel'),
    () => `${body.slice(0, -1)},"x":1}`,
    () => JSON.stringify(JSON.parse(body), null, 1),
    () => {
      const bytes = Buffer.from(body);
      const at = random.between(0, bytes.length - 1);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.between(0, 7));
      return bytes;
    },
  ])();
}

function flipped(hex: string, random: Random): string {
  const at = random.between(0, hex.length - 1);
  const digit = (Number.parseInt(hex[at] ?? '0', 16) ^ (1 << random.between(0, 3))).toString(16);
  return hex.slice(0, at) + digit + hex.slice(at + 1);
}
