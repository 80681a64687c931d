import { expect } from 'chai';
import { CARDS, createSandbox } from '../../sandbox/index.ts';
import { buy, openSession, openShop, type Shop, START } from './support.ts';

describe('sandbox: webhook deliveries', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop({
      deliveries: { retryBaseMs: 1, maxAttempts: 4, timeoutMs: 60, checkoutWaitMs: 0 },
    });
  });
  afterEach(() => shop.close());

  it('signs with real time, whatever the sandbox clock says', async () => {
    const { sandbox, stripe, inbox } = shop;
    await stripe.customers.create({ email: 'lea@example.com' });
    await sandbox.deliveries.idle();
    expect(inbox.last('customer.created').created).to.equal(START);
    const signedAt = Number(/^t=(\d+),v1=[0-9a-f]{64}$/.exec(inbox.signatures[0] ?? '')?.[1]);
    expect(signedAt).to.be.closeTo(Date.now() / 1000, 5);
    expect(inbox.last('customer.created')).to.deep.include({ pending_webhooks: 1, livemode: false });
    expect(inbox.last('customer.created').request?.id).to.match(/^req_/);
  });

  it('tries again after errors and redirects until a 2xx, signing afresh', async () => {
    const { sandbox, stripe, inbox } = shop;
    inbox.answers.push(500, 302, 200);
    await stripe.customers.create();
    await sandbox.deliveries.idle();
    expect(inbox.types).to.deep.equal(['customer.created', 'customer.created', 'customer.created']);
    const [delivery] = sandbox.deliveries.list();
    expect(delivery).to.include({ state: 'delivered', attempts: 3, status: 200 });
    const [event] = (await stripe.events.list({ delivery_success: true })).data;
    expect(event).to.include({ pending_webhooks: 0, type: 'customer.created' });
  });

  it('gives up after the last attempt, and lists what was not delivered', async () => {
    const { sandbox, stripe, inbox } = shop;
    inbox.answers.push(500, 500, 500, 500);
    await stripe.customers.create();
    await sandbox.deliveries.idle();
    const [lost] = (await stripe.events.list({ delivery_success: false })).data;
    expect(lost).to.include({ type: 'customer.created', pending_webhooks: 1 });
    expect(sandbox.deliveries.resend(lost?.id ?? '')).to.equal(1);
    await sandbox.deliveries.idle();
    expect(inbox.count('customer.created')).to.equal(5);
  });

  it('counts silence as a failure', async () => {
    const { sandbox, stripe, inbox } = shop;
    inbox.silent = true;
    await stripe.customers.create();
    await sandbox.deliveries.idle();
    expect(sandbox.deliveries.list()[0]).to.include({
      state: 'failed',
      status: null,
      error: 'no answer within 60 ms',
    });
  });

  it('holds, and releases in any order', async () => {
    const { sandbox, inbox } = shop;
    sandbox.deliveries.hold();
    await openSession(shop).then(({ id }) => sandbox.completeCheckout({ session: id }));
    await sandbox.deliveries.idle();
    expect(inbox.events).to.have.length(0);
    const held = sandbox.deliveries.list().map((delivery) => delivery.event);
    const last = held.at(-1) ?? '';
    sandbox.deliveries.release({ events: [last] });
    await sandbox.deliveries.idle();
    expect(inbox.types).to.deep.equal(['checkout.session.completed']);
    sandbox.deliveries.release({ order: 'reverse' });
    await sandbox.deliveries.idle();
    expect(inbox.events.map((event) => event.id)).to.deep.equal(held.toReversed());
  });

  it('shuffles, with everything still arriving', async () => {
    const { sandbox, inbox } = shop;
    sandbox.deliveries.hold();
    await openSession(shop).then(({ id }) => sandbox.completeCheckout({ session: id }));
    const held = sandbox.deliveries.list().map((delivery) => delivery.event);
    sandbox.deliveries.release({ order: 'shuffle' });
    await sandbox.deliveries.idle();
    const got = inbox.events.map((event) => event.id);
    expect(got).to.have.members(held).and.not.deep.equal(held);
  });

  it('sends copies, and loses what it is told to lose', async () => {
    const { sandbox, stripe, inbox } = shop;
    sandbox.deliveries.setRules({ duplicates: 2, drop: ['charge.*'], dropTimes: 1 });
    await buy(shop);
    await buy(shop);
    const [lost] = (await stripe.events.list({ delivery_success: false })).data;
    expect(lost?.type).to.equal('charge.succeeded');
    await stripe.customers.create();
    await sandbox.deliveries.idle();
    expect(inbox.types).to.deep.equal(['customer.created', 'customer.created', 'customer.created']);
    expect(new Set(inbox.events.map((event) => event.id)).size).to.equal(1);
  });

  it('goes to endpoints made through the API, and only with the events they want', async () => {
    const { stripe, sandbox } = shop;
    const endpoint = await stripe.webhookEndpoints.create({
      url: 'http://127.0.0.1:9/nobody',
      enabled_events: ['customer.created'],
      api_version: '2020-08-27',
    });
    expect(endpoint.secret).to.match(/^whsec_/);
    expect((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret).to.equal(undefined);
    expect(sandbox.secretOf(endpoint.id)).to.equal(endpoint.secret);
    await stripe.customers.create();
    await stripe.coupons.create({ percent_off: 10 });
    await sandbox.deliveries.idle();
    const tried = sandbox.deliveries.list().filter((delivery) => delivery.endpoint === endpoint.id);
    expect(tried).to.have.length(1);
    expect(tried[0]).to.include({ type: 'customer.created', state: 'failed', error: 'ECONNREFUSED' });
    await stripe.webhookEndpoints.del(endpoint.id);
    expect((await stripe.webhookEndpoints.list()).data).to.have.length(1);
  });

  it('makes the same ids from the same seed', async () => {
    const ids = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        const sandbox = await createSandbox({ seed, prices: { mensuel: 'price_x' } });
        const response = await fetch(`${sandbox.url}/v1/customers`, {
          method: 'POST',
          headers: { Authorization: 'Bearer sk_test_1' },
        });
        const { id } = (await response.json()) as { id: string };
        await sandbox.close();
        return id;
      }),
    );
    expect(ids[0]).to.equal(ids[1]);
    expect(ids[0]).not.to.equal(ids[2]);
    expect(CARDS.succeeds.number).to.equal('4242424242424242');
  });
});
