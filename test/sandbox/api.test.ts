import { expect } from 'chai';
import Stripe from 'stripe';
import { buy, DAY, errorOf, idOf, MONTHLY, openShop, pass, type Shop, START } from './support.ts';

describe('sandbox: the API itself', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop();
  });
  afterEach(() => shop.close());

  it('wants a test key', async () => {
    const { sandbox } = shop;
    const bare = await fetch(`${sandbox.url}/v1/customers`);
    expect(bare.status).to.equal(401);
    const live = new Stripe('sk_live_1', sandbox.stripeOptions);
    expect((await errorOf(live.customers.list())).type).to.equal('StripeAuthenticationError');
    const restricted = new Stripe('rk_test_1', sandbox.stripeOptions);
    expect((await restricted.customers.list()).data).to.deep.equal([]);
  });

  it('answers with the headers of Stripe and the time of its own clock', async () => {
    const { sandbox, stripe } = shop;
    await sandbox.advance(DAY);
    const { lastResponse } = await stripe.customers.create({ name: 'Léa' });
    expect(lastResponse.requestId).to.match(/^req_/);
    expect(lastResponse.headers.date).to.equal(new Date((START + DAY) * 1000).toUTCString());
    expect(lastResponse.headers['stripe-version']).to.equal('2026-10-28.endive');
  });

  it('answers mistakes in the words of Stripe', async () => {
    const { stripe } = shop;
    const missing = await errorOf(stripe.subscriptions.retrieve('sub_none'));
    expect(missing).to.include({ statusCode: 404, code: 'resource_missing', param: 'id' });
    expect(missing.message).to.equal("No such subscription: 'sub_none'");
    const route = await errorOf(stripe.rawRequest('GET', '/v1/unknown'));
    expect(route).to.include({ statusCode: 404, type: 'StripeInvalidRequestError' });
    const unknown = await errorOf(stripe.rawRequest('POST', '/v1/customers', { emial: 'x' }));
    expect(unknown).to.include({ code: 'parameter_unknown', param: 'emial' });
    const absent = await errorOf(stripe.rawRequest('POST', '/v1/subscriptions', { customer: 'cus_1' }));
    expect(absent).to.include({ code: 'parameter_missing', param: 'items' });
    await stripe.customers.create();
    const expansion = await errorOf(stripe.customers.list({ expand: ['data.nothing'] }));
    expect(expansion.message).to.match(/cannot be expanded \(nothing\)/);
  });

  it('replays the answer to a repeated idempotency key', async () => {
    const { stripe, sandbox } = shop;
    const options = { idempotencyKey: 'key-1' };
    const first = await stripe.customers.create({ email: 'a@example.com' }, options);
    const second = await stripe.customers.create({ email: 'a@example.com' }, options);
    expect(second.id).to.equal(first.id);
    expect(second.lastResponse.headers['idempotent-replayed']).to.equal('true');
    expect((await stripe.customers.list()).data).to.have.length(1);
    const other = await errorOf(stripe.customers.create({ email: 'b@example.com' }, options));
    expect(other).to.include({ type: 'StripeIdempotencyError', statusCode: 400 });
    await sandbox.advance(DAY);
    expect((await stripe.customers.create({ email: 'b@example.com' }, options)).id).not.to.equal(first.id);
  });

  it('refuses a key whose first request still runs, and forgets one that was refused for its parameters', async () => {
    const { stripe, sandbox } = shop;
    sandbox.faults.add({ kind: 'delay', delayMs: 100, path: '/v1/customers' });
    const options = { idempotencyKey: 'key-2' };
    const results = await Promise.allSettled([
      stripe.customers.create({ email: 'a@example.com' }, options),
      stripe.customers.create({ email: 'a@example.com' }, options),
    ]);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).to.have.length(1);
    expect(refused[0]).to.include({ statusCode: 409, code: 'idempotency_key_in_use' });
    const key = { idempotencyKey: 'key-3' };
    expect(
      (await errorOf(stripe.subscriptions.create({ customer: 'cus_none', items: [{ price: MONTHLY }] }, key)))
        .statusCode,
    ).to.equal(400);
    const customer = await stripe.customers.create({
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    });
    const fixed = await stripe.subscriptions.create(
      { customer: customer.id, items: [{ price: MONTHLY }] },
      key,
    );
    expect(fixed.status).to.equal('active');
  });

  it('pages through lists, newest first', async () => {
    const { stripe } = shop;
    const ids: string[] = [];
    for (let i = 0; i < 25; i++)
      ids.unshift((await stripe.customers.create({ email: `${i}@example.com` })).id);
    const first = await stripe.customers.list();
    expect(first).to.include({ has_more: true, url: '/v1/customers' });
    expect(first.data.map((each) => each.id)).to.deep.equal(ids.slice(0, 10));
    const next = await stripe.customers.list({ limit: 20, starting_after: ids[9] });
    expect(next.has_more).to.equal(false);
    expect(next.data.map((each) => each.id)).to.deep.equal(ids.slice(10));
    const before = await stripe.customers.list({ limit: 5, ending_before: ids[10] });
    expect(before.data.map((each) => each.id)).to.deep.equal(ids.slice(5, 10));
    expect(await stripe.customers.list({ limit: 3 }).autoPagingToArray({ limit: 100 })).to.have.length(25);
    expect((await stripe.customers.list({ email: '7@example.com' })).data).to.have.length(1);
    expect((await errorOf(stripe.customers.list({ limit: 101 }))).param).to.equal('limit');
  });

  it('lists the events of the last 30 days by type and time', async () => {
    const { stripe } = shop;
    await buy(shop);
    await pass(shop, 29 * DAY);
    const purchase = await stripe.events.list({ types: ['checkout.session.completed', 'invoice.paid'] });
    expect(purchase.data.map((event) => event.type)).to.deep.equal([
      'checkout.session.completed',
      'invoice.paid',
    ]);
    expect((await stripe.events.list({ type: 'charge.*' })).data.map((event) => event.type)).to.deep.equal([
      'charge.succeeded',
    ]);
    expect(
      (await stripe.events.list({ created: { gt: START } })).data.map((event) => event.type),
    ).to.deep.equal(['invoice.upcoming']);
    const [event] = purchase.data;
    expect((await stripe.events.retrieve(event?.id ?? '')).data.object).to.have.property(
      'object',
      'checkout.session',
    );
    await pass(shop, 2 * DAY);
    expect((await errorOf(stripe.events.retrieve(event?.id ?? ''))).code).to.equal('resource_missing');
    expect((await stripe.events.list({ types: ['checkout.session.completed'] })).data).to.deep.equal([]);
  });

  it('lists subscriptions, invoices, intents and invoice payments by what belongs together', async () => {
    const { stripe } = shop;
    const { id, customer } = await buy(shop);
    await buy(shop);
    await stripe.subscriptions.cancel(id);
    expect((await stripe.subscriptions.list()).data).to.have.length(1);
    expect((await stripe.subscriptions.list({ status: 'all', price: MONTHLY })).data).to.have.length(2);
    const own = await stripe.subscriptions.list({
      customer: idOf(customer),
      status: 'canceled',
      expand: ['data.customer'],
    });
    expect(own.data[0]?.customer).to.have.property('email', 'lea@example.com');
    const [invoice] = (await stripe.invoices.list({ subscription: id, expand: ['data.payments'] })).data;
    const [payment] = (await stripe.invoicePayments.list({ invoice: invoice?.id })).data;
    const intent = idOf(payment?.payment.payment_intent);
    const byIntent = await stripe.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: intent },
    });
    expect(byIntent.data[0]?.invoice).to.equal(invoice?.id);
    expect((await stripe.paymentIntents.list({ customer: idOf(customer) })).data[0]?.id).to.equal(intent);
    expect((await stripe.charges.list({ payment_intent: intent })).data).to.have.length(1);
    expect(invoice?.payments?.data[0]?.id).to.equal(payment?.id);
  });

  it('previews the next invoice', async () => {
    const { stripe } = shop;
    const { id } = await buy(shop);
    expect(await stripe.invoices.createPreview({ subscription: id })).to.include({
      total: 999,
      billing_reason: 'upcoming',
    });
    expect((await stripe.invoices.list({ subscription: id })).data).to.have.length(1);
  });

  describe('faults', () => {
    it('are retried by the SDK when they pass', async () => {
      const { sandbox } = shop;
      const patient = new Stripe('sk_test_1', { ...sandbox.stripeOptions, maxNetworkRetries: 2 });
      sandbox.faults.add({ kind: 'error', status: 503, path: '/v1/customers' });
      sandbox.faults.add({ kind: 'reset', method: 'POST' });
      expect((await patient.customers.create({ email: 'a@example.com' })).email).to.equal('a@example.com');
      expect((await patient.customers.list()).data).to.have.length(1);
    });

    it('say when to come back', async () => {
      const { sandbox, stripe } = shop;
      sandbox.faults.add({ kind: 'rate_limit', retryAfterSeconds: 7, times: 1 });
      const error = await errorOf(stripe.customers.list());
      expect(error).to.include({ type: 'StripeRateLimitError', statusCode: 429 });
      expect(error.headers?.['retry-after']).to.equal('7');
      expect((await stripe.customers.list()).data).to.deep.equal([]);
    });

    it('may lose the answer to a request that took effect, which its idempotency key finds again', async () => {
      const { sandbox } = shop;
      const patient = new Stripe('sk_test_1', { ...sandbox.stripeOptions, maxNetworkRetries: 2 });
      sandbox.faults.add({ kind: 'reset', afterEffect: true, method: 'POST' });
      const customer = await patient.customers.create({ email: 'a@example.com' });
      expect(customer.lastResponse.headers['idempotent-replayed']).to.equal('true');
      expect((await patient.customers.list()).data).to.have.length(1);
    });

    it('may never answer', async () => {
      const { sandbox } = shop;
      const hurried = new Stripe('sk_test_1', {
        ...sandbox.stripeOptions,
        maxNetworkRetries: 0,
        timeout: 50,
      });
      sandbox.faults.add({ kind: 'hang' });
      expect((await errorOf(hurried.customers.list())).type).to.equal('StripeConnectionError');
    });
  });

  it('is driven over HTTP too', async () => {
    const { sandbox, stripe } = shop;
    const control = async (name: string, body: object = {}): Promise<Record<string, unknown>> => {
      const response = await fetch(`${sandbox.url}/_sandbox/${name}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return (await response.json()) as Record<string, unknown>;
    };
    expect(await (await fetch(`${sandbox.url}/_sandbox/health`)).json()).to.deep.include({
      status: 'ok',
      now: START,
    });
    const { id } = await buy(shop);
    expect(await control('advance', { seconds: DAY })).to.deep.equal({ now: START + DAY });
    expect(await control('cancel-at-period-end', { subscription: id })).to.include({ id, status: 'active' });
    expect(await control('refund', { of: id, amount: 100 })).to.include({ amount: 100 });
    expect(await control('idle')).to.deep.equal({ idle: true });
    expect(await control('summary')).to.have.nested.property('counts.subscriptions', 1);
    expect(await control('advance', { seconds: 'x' }))
      .to.have.nested.property('error.message')
      .that.matches(/seconds/);
    await control('reset');
    expect((await stripe.subscriptions.list({ status: 'all' })).data).to.deep.equal([]);
    expect((await stripe.prices.retrieve(MONTHLY)).unit_amount).to.equal(999);
  });
});
