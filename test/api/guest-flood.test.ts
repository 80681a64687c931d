import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { networksAround } from '../../src/api/limits/networks.ts';
import { addressKey } from '../../src/shared/http/client-address.ts';
import type { Answer, Api } from './support/api.ts';
import { addSubscription, useApiWithStripe } from './support/stripe.ts';

const CHECKOUT = '/api/stripe/create-checkout-session';
const BEHIND_PROXY = { TRUSTED_PROXY_HOPS: '1' };

function buyAsGuest(api: Api, address: string, extra: object = {}): Promise<Answer> {
  return api.ask(CHECKOUT, {
    method: 'POST',
    headers: { 'x-forwarded-for': address },
    body: { plan: 'mensuel', ...extra },
  });
}

async function statuses(answers: Iterable<Promise<Answer>>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('A flood of guests', () => {
  describe('from one site', () => {
    const parts = useApiWithStripe({
      ...BEHIND_PROXY,
      RATE_LIMIT_GUEST_CHECKOUT: '3',
      STRIPE_CALLS_PER_SECOND: '0',
    });

    it('is one household’s when it comes from a /56, and one company’s when it comes from a /48', async () => {
      const { api } = parts();
      const household = Array.from({ length: 5 }, (_, n) => buyAsGuest(api, `2001:db8:1:a${n}b::${n}`));
      expect(await statuses(household.slice(0, 1))).to.deep.equal({ 200: 1 });
      await statuses(household);
      const same = [];
      for (let n = 0; n < 5; n += 1) same.push((await buyAsGuest(api, `2001:db8:2:7${n}::1`)).status);
      expect(same).to.deep.equal([200, 200, 200, 429, 429]);
      const site = [];
      for (let n = 0; n < 8; n += 1) site.push((await buyAsGuest(api, `2001:db8:3:${n}00::1`)).status);
      expect(site).to.deep.equal([200, 200, 200, 200, 200, 200, 429, 429]);
    });
  });

  describe('from everywhere', () => {
    const parts = useApiWithStripe({
      ...BEHIND_PROXY,
      RATE_LIMIT_ALL_GUESTS: '20',
      STRIPE_CALLS_PER_SECOND: '0',
    });

    it('ends at the limit of all guests together', async () => {
      const flood = Array.from({ length: 300 }, (_, n) =>
        buyAsGuest(parts().api, `2001:db8:${n.toString(16)}::1`),
      );
      expect(await statuses(flood)).to.deep.equal({ 200: 20, 429: 280 });
      const { data } = await parts().stripe.checkout.sessions.list({ limit: 100 });
      expect(data).to.have.length(20);
    });
  });

  describe('that stays below every limit', () => {
    const parts = useApiWithStripe({
      ...BEHIND_PROXY,
      RATE_LIMIT_ALL_GUESTS: '0',
      RATE_LIMIT_CANCEL: '0',
      STRIPE_CALLS_PER_SECOND: '20',
    });

    it('leaves a share of our calls to Stripe for who wants to leave', async () => {
      const { api, sandbox, stripe } = parts();
      await api.addUser(1);
      const { id: customer } = await stripe.customers.create({});
      const { id } = sandbox.createSubscription({ customer, price: 'price_test_mensuel', card: 'succeeds' });
      await addSubscription(api, { user: 1, stripeId: id, customer });

      const flood = Array.from({ length: 120 }, (_, n) => buyAsGuest(api, `2001:db8:${n.toString(16)}::1`));
      const cancelled = await api.ask('/api/stripe/subscription', { method: 'DELETE', as: 1 });
      expect(cancelled.status).to.equal(200);

      const counts = await statuses(flood);
      expect(Object.keys(counts)).to.have.members(['200', '503']);
      const refused = (await Promise.all(flood)).find(({ status }) => status === 503);
      expect(refused?.body).to.include({ success: false, code: 'busy' });
      expect(refused?.headers.get('retry-after')).to.equal('2');
      // Fifteen a second, for as long as the SDK tries again.
      expect(counts[200]).to.be.within(15, 100);
    });
  });
});

describe('A challenge for guests', () => {
  let server: Server;
  const asked: Record<string, string>[] = [];
  let answer: { status?: number; body: string } = { body: '{"success":true}' };
  const parts = useApiWithStripe(
    { ...BEHIND_PROXY, GUEST_CHALLENGE_SECRET: 'secret-of-the-challenge', RATE_LIMIT_ALL_GUESTS: '2' },
    {},
    async () => {
      server = createServer(async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        asked.push(Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())));
        response.writeHead(answer.status ?? 200).end(answer.body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      return { GUEST_CHALLENGE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/siteverify` };
    },
  );
  after(() => server.close());

  it('has to be solved, and who does not solve it takes nobody’s place', async () => {
    const { api } = parts();
    answer = { body: '{"success":false,"error-codes":["invalid-input-response"]}' };
    for (let n = 0; n < 5; n += 1) {
      const refused = await buyAsGuest(api, '203.0.113.9', { challenge: 'wrong' });
      expect([refused.status, refused.body.code]).to.deep.equal([403, 'challenge_failed']);
    }
    expect((await buyAsGuest(api, '203.0.113.9')).body.code).to.equal('challenge_failed');
    expect(asked).to.have.length(5);
    expect(asked[0]).to.deep.equal({
      secret: 'secret-of-the-challenge',
      response: 'wrong',
      remoteip: '203.0.113.9',
    });
    answer = { body: '{"success":true}' };
    expect((await buyAsGuest(api, '203.0.113.9', { challenge: 'right' })).status).to.equal(200);
    expect(api.log.join('')).not.to.contain('secret-of-the-challenge');
  });

  it('is an outage when nobody can say, and nothing to who has a login', async () => {
    const { api } = parts();
    for (const odd of [{ status: 500, body: 'no' }, { body: '{"success":"perhaps"}' }]) {
      answer = odd;
      const refused = await buyAsGuest(api, '203.0.113.9', { challenge: 'right' });
      expect([refused.status, refused.body.code]).to.deep.equal([503, 'challenge_unavailable']);
      expect(refused.headers.get('retry-after')).to.equal('5');
    }
    await api.addUser(1);
    const { status } = await api.ask(CHECKOUT, { method: 'POST', as: 1, body: { plan: 'mensuel' } });
    expect(status).to.equal(200);
  });
});

describe('The networks around an address', () => {
  const keys = (address: string) => networksAround(addressKey(address)).map(({ key }) => key);

  it('are a /56 and a /48 for IPv6, and none for IPv4', () => {
    expect(keys('2001:db8:1:abcd::1')).to.deep.equal(['2001:db8:1:ab00::/56', '2001:db8:1::/48']);
    expect(keys('2001:db8:1:abff:9::1')).to.deep.equal(['2001:db8:1:ab00::/56', '2001:db8:1::/48']);
    expect(keys('2001:db8::1')).to.deep.equal(['2001:db8:0:000::/56', '2001:db8:0::/48']);
    expect(keys('192.0.2.1')).to.deep.equal([]);
    expect(keys('::ffff:192.0.2.1')).to.deep.equal([]);
    expect(keys('nonsense')).to.deep.equal([]);
  });
});
