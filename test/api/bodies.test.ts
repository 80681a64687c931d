import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { SECOND } from '../../src/shared/duration.ts';
import { BodyBudget, bodiesInHand } from '../../src/shared/http/body-budget.ts';
import { BODY_PACE } from '../../src/shared/http/read-body.ts';
import { RawClient } from '../support/raw-client.ts';
import { useApi } from './support/api.ts';
import { delivery, signatureOf, stripeEvent } from './support/webhook.ts';

const PATH = '/api/stripe/webhook';
const KIB = 1_024;

/** A signature that nobody could tell from Stripe's without the body. */
const plausible = () => `t=${Math.floor(Date.now() / SECOND)},v1=${'ab'.repeat(32)}`;

describe('A webhook that cannot be Stripe’s', () => {
  const api = useApi();
  const stale = `t=${Math.floor(Date.now() / SECOND) - 301},v1=${'ab'.repeat(32)}`;
  const now = Math.floor(Date.now() / SECOND);

  for (const [what, signature, code] of [
    ['without a signature', undefined, 'missing_signature'],
    ['with an old signature', stale, 'stale_signature'],
    ['with a signature that has no time', `v1=${'ab'.repeat(32)}`, 'invalid_signature'],
    ['with a signature of another length', `t=${now},v1=abcd`, 'invalid_signature'],
    ['with only an old kind of signature', `t=${now},v0=${'ab'.repeat(32)}`, 'invalid_signature'],
  ] as const) {
    it(`is refused before its body is read: ${what}`, async () => {
      const client = new RawClient(api().port).post(PATH, {
        'content-length': 100,
        ...(signature === undefined ? {} : { 'stripe-signature': signature }),
      });
      expect(await client.wholeAnswer())
        .to.match(/^HTTP\/1\.1 400 /)
        .and.to.include(`"code":"${code}"`);
      // The connection goes on once the body is through.
      client
        .write('x'.repeat(100))
        .write(`GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      await client.closed;
      expect(client.answer).to.include('"alive":true');
    });
  }

  it('is refused before its body is read when it says that this is too long', async () => {
    const client = new RawClient(api().port).post(PATH, {
      'content-length': 512 * KIB + 1,
      'stripe-signature': plausible(),
    });
    expect(await client.status()).to.equal(413);
    client.socket.destroy();
  });
});

describe('Bodies that never end', () => {
  const api = useApi();

  it('keep web from nothing, and within the bytes it has for them', async function () {
    this.timeout(60_000);
    const before = bodiesInHand.refused;
    let most = 0;
    const clients = Array.from({ length: 200 }, () =>
      new RawClient(api().port)
        .post(PATH, { 'content-length': 512 * KIB, 'stripe-signature': plausible() })
        .write(Buffer.alloc(500 * KIB, 120)),
    );
    const watching = setInterval(() => {
      most = Math.max(most, bodiesInHand.bytes);
    }, 5);
    try {
      const refused = await poll(async () => (bodiesInHand.refused > before ? true : undefined), {
        everyMs: 20,
        timeoutMs: 30_000,
      });
      expect(refused).to.equal(true);
      const body = JSON.stringify(stripeEvent());
      expect((await api().ask(PATH, delivery(body))).status).to.equal(200);
      const first = await Promise.any(
        clients.map(async (client) => {
          if ((await client.status()) !== 503) throw new Error('not this one');
          return client.wholeAnswer();
        }),
      );
      expect(first)
        .to.match(/retry-after: \d+/i)
        .and.to.include('"code":"too_many_bodies"');
      expect(most).to.be.within(32 * KIB * KIB, 64 * KIB * KIB);
    } finally {
      clearInterval(watching);
      for (const client of clients) client.socket.destroy();
    }
    const freed = await poll(async () => (bodiesInHand.bytes === 0 ? true : undefined), {
      everyMs: 20,
      timeoutMs: 10_000,
    });
    expect(freed, 'nothing is in hand afterwards').to.equal(true);
  });

  for (const [what, headers] of [
    ['a webhook', { 'stripe-signature': plausible(), 'content-length': 1_000 }],
    ['a webhook in chunks', { 'stripe-signature': plausible(), 'transfer-encoding': 'chunked' }],
  ] as const) {
    it(`are answered 408 when nothing comes any more: ${what}`, async function () {
      this.timeout(20_000);
      const startedAt = performance.now();
      const client = new RawClient(api().port).post(PATH, headers);
      client.write('transfer-encoding' in headers ? '5\r\n{"id"\r\n' : '{"id"');
      expect(await client.wholeAnswer())
        .to.match(/^HTTP\/1\.1 408 /)
        .and.to.include('"code":"body_too_slow"');
      await client.closed;
      expect(performance.now() - startedAt).to.be.within(
        BODY_PACE.idleMs - 100,
        BODY_PACE.idleMs + 3 * SECOND,
      );
    });
  }

  it('are answered 408 when they come drop by drop', async function () {
    this.timeout(40_000);
    const startedAt = performance.now();
    const client = new RawClient(api().port).post(PATH, {
      'content-length': 1_000,
      'stripe-signature': plausible(),
    });
    const dripping = setInterval(() => client.write('x'), 200);
    expect(await client.status()).to.equal(408);
    clearInterval(dripping);
    expect(performance.now() - startedAt).to.be.within(
      BODY_PACE.totalMs - 100,
      BODY_PACE.totalMs + 5 * SECOND,
    );
  });

  it('give up nothing of a body that comes slowly, but comes', async function () {
    this.timeout(20_000);
    const body = JSON.stringify(stripeEvent());
    const client = new RawClient(api().port).post(PATH, {
      'content-length': Buffer.byteLength(body),
      'stripe-signature': signatureOf(body),
    });
    const bytes = Buffer.from(body);
    for (const byte of bytes.subarray(0, 40)) {
      client.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.write(bytes.subarray(40));
    expect(await client.status()).to.equal(200);
    client.socket.destroy();
  });
});

describe('The budget for bodies', () => {
  it('lets who has been arriving for longest give way, and nobody who is all here', () => {
    const budget = new BodyBudget(100);
    const gaveWay: string[] = [];
    const open = (name: string) => budget.open(() => void gaveWay.push(name));
    const [whole, slow, quick] = [open('whole'), open('slow'), open('quick')];
    expect(whole.take(40)).to.equal(true);
    whole.arrived();
    expect(slow.take(50)).to.equal(true);
    expect(quick.take(30)).to.equal(true);
    expect([gaveWay, budget.bytes]).to.deep.equal([['slow'], 70]);
    expect(quick.take(40), 'it is the oldest itself').to.equal(false);
    expect([budget.bytes, budget.refused]).to.deep.equal([70, 2]);
    whole.release();
    whole.release();
    quick.release();
    expect(budget.bytes).to.equal(0);
  });
});
