import { expect } from 'chai';
import {
  buy,
  DAY,
  errorOf,
  HOUR,
  idOf,
  MONTHLY,
  openShop,
  pass,
  type Shop,
  START,
  YEARLY,
} from './support.ts';

const MONTH = 31 * DAY;

describe('sandbox: changes of a subscription', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop();
  });
  afterEach(() => shop.close());

  async function dearerPrice(): Promise<string> {
    const { stripe } = shop;
    const { product } = await stripe.prices.retrieve(MONTHLY);
    const price = await stripe.prices.create({
      currency: 'eur',
      unit_amount: 1999,
      recurring: { interval: 'month' },
      product: idOf(product),
    });
    return price.id;
  }

  it('leaves prorations for the next invoice', async () => {
    const { stripe, inbox } = shop;
    const { id, items } = await buy(shop);
    await pass(shop, 15.5 * DAY);
    const price = await dearerPrice();
    await stripe.subscriptions.update(id, { items: [{ id: items.data[0]?.id, price }] });
    await shop.sandbox.deliveries.idle();
    expect(inbox.count('invoiceitem.created')).to.equal(2);
    const updated = inbox.last('customer.subscription.updated');
    expect(updated.data.previous_attributes).to.have.keys('items');
    expect(updated.data.object.items.data[0]?.price.id).to.equal(price);
    expect(inbox.types).not.to.include('invoice.created');
    await pass(shop, 15.5 * DAY + HOUR);
    const invoice = inbox.last('invoice.paid').data.object;
    const half = (amount: number): number => Math.round(amount / 2);
    expect(invoice.lines.data.map((line) => line.amount)).to.deep.equal([-half(999), half(1999), 1999]);
    expect(invoice.lines.data.map((line) => line.parent?.subscription_item_details?.proration)).to.deep.equal(
      [true, true, false],
    );
  });

  it('bills prorations at once when told to', async () => {
    const { stripe } = shop;
    const { id, items } = await buy(shop);
    await pass(shop, 15.5 * DAY);
    const price = await dearerPrice();
    const changed = await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]?.id, price }],
      proration_behavior: 'always_invoice',
      expand: ['latest_invoice'],
    });
    expect(changed.latest_invoice).to.include({
      billing_reason: 'subscription_update',
      status: 'paid',
      total: 1000 - 500,
    });
  });

  it('starts a new period when the interval changes', async () => {
    const { stripe } = shop;
    const { id, items } = await buy(shop);
    await pass(shop, 10 * DAY);
    const changed = await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]?.id, price: YEARLY }],
      expand: ['latest_invoice'],
    });
    expect(changed.items.data[0]).to.include({
      current_period_start: START + 10 * DAY,
      current_period_end: START + 375 * DAY,
    });
    expect(changed.latest_invoice).to.include({ status: 'paid', total: 9999 - Math.round((999 * 21) / 31) });
  });

  it('turns a downgrade into credit that later invoices use', async () => {
    const { stripe, inbox } = shop;
    const { id, items, customer } = await buy(shop, {
      params: { line_items: [{ price: YEARLY, quantity: 1 }] },
    });
    await stripe.subscriptions.update(id, { items: [{ id: items.data[0]?.id, price: MONTHLY }] });
    expect((await stripe.customers.retrieve(idOf(customer))) as object).to.include({ balance: 999 - 9999 });
    inbox.clear();
    await pass(shop, MONTH + HOUR);
    expect(inbox.last('invoice.paid').data.object).to.include({ total: 999, amount_due: 0, amount_paid: 0 });
    expect(inbox.types).not.to.include('payment_intent.created');
  });

  it('is active again once its latest invoice is paid, be it by credit', async () => {
    const { sandbox, stripe } = shop;
    const { id, customer } = await buy(shop);
    sandbox.setCard({ customer: idOf(customer), card: 'insufficientFunds' });
    sandbox.changePlan({ subscription: id, price: YEARLY });
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('past_due');
    sandbox.changePlan({ subscription: id, price: MONTHLY });
    const { status } = await stripe.subscriptions.retrieve(id);
    expect(status).to.equal('active');
  });

  it('stays active when an older invoice fails again after its latest one was paid', async () => {
    const { sandbox, stripe, inbox } = shop;
    const { id, customer } = await buy(shop, { card: 'failsLater' });
    await pass(shop, MONTH + HOUR);
    sandbox.setCard({ customer: idOf(customer), card: 'succeeds' });
    sandbox.changePlan({ subscription: id, price: YEARLY });
    sandbox.setCard({ customer: idOf(customer), card: 'failsLater' });
    inbox.clear();
    await pass(shop, 3 * DAY);
    expect(inbox.last('invoice.payment_failed').data.object).to.include({ attempt_count: 2 });
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
  });

  it('ends with the period when asked through the API, and can be taken back', async () => {
    const { stripe, inbox } = shop;
    const { id } = await buy(shop);
    const ending = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect(ending).to.include({
      cancel_at_period_end: true,
      cancel_at: START + MONTH,
      canceled_at: START,
      status: 'active',
    });
    const kept = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
    expect(kept).to.include({ cancel_at_period_end: false, cancel_at: null, canceled_at: null });
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await pass(shop, MONTH);
    const ended = inbox.last('customer.subscription.deleted').data.object;
    expect(ended).to.include({ status: 'canceled', ended_at: START + MONTH, canceled_at: START });
    expect(inbox.types).not.to.include('invoice.created');
  });

  for (const [mode, flag] of [
    ['flexible', false],
    ['classic', true],
  ] as const) {
    it(`ends a ${mode} subscription from the portal ${flag ? 'with' : 'without'} the flag`, async () => {
      const { sandbox } = shop;
      const { id } = await buy(shop, { params: { subscription_data: { billing_mode: { type: mode } } } });
      expect(sandbox.cancelAtPeriodEnd({ subscription: id })).to.include({
        cancel_at_period_end: flag,
        cancel_at: START + MONTH,
      });
      expect(sandbox.resume({ subscription: id })).to.include({
        cancel_at_period_end: false,
        cancel_at: null,
      });
    });
  }

  it('ends at any time through cancel_at', async () => {
    const { stripe, inbox } = shop;
    const { id } = await buy(shop);
    await stripe.subscriptions.update(id, { cancel_at: START + 10 * DAY });
    await pass(shop, 10 * DAY);
    expect(inbox.last('customer.subscription.deleted').data.object.ended_at).to.equal(START + 10 * DAY);
  });

  it('ends at once, with its period left in the future', async () => {
    const { stripe, inbox } = shop;
    const { id } = await buy(shop);
    await pass(shop, DAY);
    const canceled = await stripe.subscriptions.cancel(id);
    await shop.sandbox.deliveries.idle();
    expect(canceled).to.include({ status: 'canceled', canceled_at: START + DAY, ended_at: START + DAY });
    expect(
      inbox.last('customer.subscription.deleted').data.object.items.data[0]?.current_period_end,
    ).to.equal(START + MONTH);
    expect((await errorOf(stripe.subscriptions.cancel(id))).code).to.equal('resource_missing');
    await pass(shop, 2 * MONTH);
    expect(inbox.types).not.to.include('invoice.created');
  });

  it('ends every subscription of a customer who is deleted, and sends the customer in full', async () => {
    const { stripe, inbox } = shop;
    const { id, customer } = await buy(shop);
    const deleted = await stripe.customers.del(idOf(customer));
    await shop.sandbox.deliveries.idle();
    expect(deleted).to.deep.include({ id: customer, deleted: true });
    expect(inbox.types).to.deep.equal(['customer.subscription.deleted', 'customer.deleted']);
    expect(inbox.last('customer.deleted').data.object)
      .to.include({ email: 'lea@example.com' })
      .and.not.have.property('deleted');
    const expanded = await stripe.subscriptions.retrieve(id, { expand: ['customer'] });
    expect(expanded.customer).to.deep.include({ id: customer, deleted: true });
    expect((await stripe.customers.list()).data).to.have.length(0);
  });

  it('is made at the dashboard for a customer with a card', async () => {
    const { stripe, sandbox, inbox } = shop;
    const customer = await stripe.customers.create({ email: 'paul@example.com' });
    const made = sandbox.createSubscription({ customer: customer.id, price: YEARLY, card: 'succeeds' });
    await sandbox.deliveries.idle();
    expect(made.status).to.equal('active');
    expect(inbox.types).to.include.members([
      'customer.subscription.created',
      'invoice.paid',
      'invoice_payment.paid',
    ]);
    expect(inbox.types).not.to.include('checkout.session.completed');
  });
});
