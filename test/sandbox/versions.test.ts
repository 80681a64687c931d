import { expect } from 'chai';
import { buy, DAY, HOUR, openSession, openShop, pass, type Shop, START } from './support.ts';

type Loose = Record<string, unknown>;

describe('sandbox: payloads of older API versions', () => {
  let shop: Shop;
  afterEach(() => shop.close());

  async function purchaseAt(apiVersion: string, oldShapes?: 'as_then' | 'as_today'): Promise<void> {
    shop = await openShop({ endpointVersion: apiVersion, oldShapes });
    const session = await openSession(shop);
    shop.sandbox.completeCheckout({ session: session.id });
    await shop.sandbox.deliveries.idle();
  }

  function payload(type: string): Loose {
    const event = shop.inbox.events.findLast((each) => each.type === type);
    return (event?.data.object ?? {}) as unknown as Loose;
  }

  for (const version of ['2020-03-02', '2022-08-01', '2024-06-20', '2025-02-24.acacia']) {
    it(`${version} has the period on the subscription and the intent on the invoice`, async () => {
      await purchaseAt(version);
      expect(shop.inbox.events.every((event) => event.api_version === version)).to.equal(true);
      const subscription = payload('customer.subscription.updated');
      expect(subscription).to.include({
        current_period_start: START,
        current_period_end: START + 31 * DAY,
        quantity: 1,
      });
      expect(subscription).to.have.nested.property('plan.id', 'price_mensuel');
      expect(subscription).not.to.have.any.keys('billing_mode');
      expect(subscription).not.to.have.nested.property('items.data[0].current_period_end');
      const invoice = payload('invoice.paid');
      const intent = payload('payment_intent.succeeded');
      const charge = payload('charge.succeeded');
      expect(invoice).to.include({
        subscription: subscription.id,
        payment_intent: intent.id,
        charge: charge.id,
        paid: true,
      });
      expect(invoice).to.have.nested.property('subscription_details.metadata.user_id', '42');
      expect(invoice).not.to.have.any.keys('parent', 'total_taxes');
      expect(invoice).to.have.nested.property('lines.data[0].price.id', 'price_mensuel');
      expect(invoice).to.have.nested.property('lines.data[0].type', 'subscription');
      expect(invoice).not.to.have.nested.property('lines.data[0].pricing');
      await pass(shop, 31 * DAY + HOUR);
      const renewal = shop.inbox.last('customer.subscription.updated');
      expect(renewal.data.previous_attributes).to.include({ current_period_end: START + 31 * DAY });
    });
  }

  it('until 2022-08-01 the intent carries its charges instead of naming the latest', async () => {
    await purchaseAt('2022-08-01');
    await pass(shop, 31 * DAY + HOUR);
    const intent = payload('payment_intent.succeeded');
    expect(intent).not.to.have.any.keys('latest_charge');
    expect(intent).to.have.nested.property('charges.data[0].id', payload('charge.succeeded').id);
    expect(intent.invoice).to.equal(payload('invoice.paid').id);
    expect(payload('charge.succeeded')).to.have.nested.property('refunds.object', 'list');
  });

  it('from 2022-11-15 on the intent names its latest charge, and still its invoice', async () => {
    await purchaseAt('2022-11-15');
    await pass(shop, 31 * DAY + HOUR);
    const intent = payload('payment_intent.succeeded');
    expect(intent).to.include({
      latest_charge: payload('charge.succeeded').id,
      invoice: payload('invoice.paid').id,
    });
    expect(intent).not.to.have.any.keys('charges');
  });

  it('since basil all of that is gone', async () => {
    await purchaseAt('2025-03-31.basil');
    expect(payload('customer.subscription.updated')).not.to.have.any.keys('current_period_end');
    expect(payload('invoice.paid')).not.to.have.any.keys('payment_intent', 'charge', 'paid', 'subscription');
    expect(payload('payment_intent.succeeded')).not.to.have.any.keys('invoice', 'charges');
  });

  it('rendered today, old versions have the new fields beside the old ones', async () => {
    await purchaseAt('2022-11-15', 'as_today');
    const invoice = payload('invoice.paid');
    const subscription = payload('customer.subscription.updated').id;
    expect(invoice).to.include({ subscription });
    expect(invoice).to.have.nested.property('parent.subscription_details.subscription', subscription);
  });

  it('the API answers in the newest shape whatever the endpoint wants', async () => {
    shop = await openShop({ apiVersion: '2020-08-27' });
    const subscription = await buy(shop);
    expect(subscription).not.to.have.property('current_period_end');
    const [event] = (await shop.stripe.events.list({ types: ['customer.subscription.created'] })).data;
    expect(event?.api_version).to.equal('2020-08-27');
    expect(event?.data.object).to.have.property('current_period_end', START + 31 * DAY);
  });
});
