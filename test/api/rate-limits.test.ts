import { expect } from 'chai';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { Api, type Ask, useApi } from './support/api.ts';
import { loginHeaders } from './support/login.ts';
import { useApiWithStripe } from './support/stripe.ts';
import { delivery, stripeEvent } from './support/webhook.ts';

const SUBSCRIPTION = '/api/stripe/subscription';
const CHECKOUT = '/api/stripe/create-checkout-session';
const FEW = {
  RATE_LIMIT_CHECKOUT: '2',
  RATE_LIMIT_GUEST_CHECKOUT: '2',
  RATE_LIMIT_CANCEL: '2',
  RATE_LIMIT_PORTAL: '2',
  RATE_LIMIT_RETURN: '2',
};

async function statuses(api: Api, times: number, path: string, ask: Ask): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < times; n += 1) found.push((await api.ask(path, ask)).status);
  return found;
}

describe('Rate limits', () => {
  const parts = useApiWithStripe({ ...FEW, TRUSTED_PROXY_HOPS: '1' });
  const api = () => parts().api;
  before(async () => {
    for (const id of [1, 2, 3]) await api().addUser(id);
  });

  const costly: [string, string, Ask, number][] = [
    ['buying', SUBSCRIPTION, { method: 'POST', body: { plan_type: 'mensuel' } }, 200],
    ['cancelling', SUBSCRIPTION, { method: 'DELETE' }, 404],
    ['opening the portal', `${SUBSCRIPTION}/billing-portal`, {}, 200],
    ['coming back from Checkout', `${SUBSCRIPTION}?session_id=cs_none`, {}, 404],
  ];
  for (const [what, path, ask, usual] of costly) {
    it(`of ${what} are each user's own`, async () => {
      expect(await statuses(api(), 3, path, { ...ask, as: 1 })).to.deep.equal([usual, usual, 429]);
      const refused = await api().ask(path, { ...ask, as: 1 });
      expect(refused.body).to.include({ success: false, code: 'too_many_requests' });
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      expect((await api().ask(path, { ...ask, as: 2 })).status).not.to.equal(429);
    });
  }

  it('count a purchase by either route for the same user', async () => {
    const ask = { method: 'POST', body: { plan: 'mensuel' } };
    expect((await api().ask(CHECKOUT, { ...ask, headers: loginHeaders(1) })).status).to.equal(429);
    expect((await api().ask(CHECKOUT, { ...ask, headers: loginHeaders(3) })).status).to.equal(200);
  });

  it('of guests go by the address that the proxy saw, not by the one they claim', async () => {
    const from = (forwarded: string): Ask => ({
      method: 'POST',
      body: { plan: 'mensuel' },
      headers: { 'x-forwarded-for': forwarded },
    });
    const found = [];
    for (const n of [1, 2, 3])
      found.push(...(await statuses(api(), 1, CHECKOUT, from(`192.0.2.${n}, 203.0.113.5`))));
    expect(found).to.deep.equal([200, 200, 429]);
    expect(await statuses(api(), 1, CHECKOUT, from('203.0.113.6'))).to.deep.equal([200]);
  });

  it('do not count what is no purchase, as another site can make a browser send it', async () => {
    await api().addUser(4);
    const plain = { method: 'POST', headers: { ...loginHeaders(4), 'content-type': 'text/plain' } };
    for (let n = 0; n < 31; n += 1) {
      const answer = await api().ask(CHECKOUT, { ...plain, body: '{"plan":"mensuel"}' });
      expect(answer.status).to.equal(415);
    }
    expect((await api().ask(SUBSCRIPTION, { ...plain, body: '{"plan_type":"mensuel"}' })).status).to.equal(
      415,
    );
    for (const method of ['POST', 'DELETE']) {
      const odd = { plan_type: 'hebdomadaire', at_period_end: 'oui' };
      expect(await statuses(api(), 3, SUBSCRIPTION, { method, as: 4, body: odd })).to.deep.equal([
        400, 400, 400,
      ]);
    }
    const portal = `${SUBSCRIPTION}/billing-portal?return_url=https://evil.example`;
    expect(await statuses(api(), 3, portal, { as: 4 })).to.deep.equal([400, 400, 400]);
    const buy = { method: 'POST', as: 4, body: { plan_type: 'mensuel' } };
    expect(await statuses(api(), 3, SUBSCRIPTION, buy)).to.deep.equal([200, 200, 429]);
    expect(await statuses(api(), 3, SUBSCRIPTION, { method: 'DELETE', as: 4 })).to.deep.equal([
      404, 404, 429,
    ]);
  });

  it('are the same in every web process', async () => {
    const beside = await Api.start({
      env: { ...FEW, QUEUE_PREFIX: api().prefix, TRUSTED_PROXY_HOPS: '1' },
      beside: api(),
    });
    try {
      expect((await beside.ask(`${SUBSCRIPTION}/billing-portal`, { as: 1 })).status).to.equal(429);
    } finally {
      await beside.close();
    }
  });

  it('do not count what only reads, nor health, nor Stripe', async () => {
    for (const path of [SUBSCRIPTION, `${SUBSCRIPTION}/premium-status`, '/api/stripe/payment/history']) {
      expect(new Set(await statuses(api(), 8, path, { as: 1 })), path).to.deep.equal(new Set([200]));
    }
    expect(new Set(await statuses(api(), 8, '/health/ready', {}))).to.deep.equal(new Set([200]));
    for (let n = 0; n < 8; n += 1) {
      const answer = await api().ask('/api/stripe/webhook', delivery(JSON.stringify(stripeEvent())));
      expect(answer.status).to.equal(200);
    }
  });
});

describe('Rate limits that are off', () => {
  const api = useApi(() => ({ env: Object.fromEntries(Object.keys(FEW).map((name) => [name, '0'])) }));
  before(() => api().addUser(1));

  it('refuse nobody', async () => {
    const found = await statuses(api(), 50, `${SUBSCRIPTION}/billing-portal`, { as: 1 });
    expect(new Set(found)).to.deep.equal(new Set([404]));
  });
});

describe('Behind a proxy that nobody configured', () => {
  const api = useApi(() => ({ env: FEW }));

  it('guests are limited together, and the log says so once', async () => {
    const ask = (n: number): Ask => ({
      method: 'POST',
      body: { plan: 'mensuel' },
      headers: { 'x-forwarded-for': `203.0.113.${n}` },
    });
    for (const n of [1, 2, 3, 4]) await api().ask(CHECKOUT, ask(n));
    expect((await api().ask(CHECKOUT, ask(5))).status).to.equal(429);
    expect(api().log.filter((line) => line.includes('TRUSTED_PROXY_HOPS'))).to.have.length(1);
  });
});

describe('Rate limits while Redis is away', () => {
  let redis: RedisServer;
  const api = useApi(async () => {
    redis = await startRedis();
    return { env: { ...FEW, REDIS_URL: redis.url } };
  });
  before(() => redis.kill());
  after(() => redis.close());

  it('are counted by each process for itself', async () => {
    const found = await statuses(api(), 3, CHECKOUT, { method: 'POST', body: { plan: 'mensuel' } });
    // Nobody takes the part of Stripe here.
    expect(found).to.deep.equal([503, 503, 429]);
  });
});
