import { expect } from 'chai';
import type { EndedBilling } from '../../src/api/operator/end-billing.ts';
import { BillingEnd, Customer, User } from '../../src/shared/entities/index.ts';
import { askAdmin } from './support/operator.ts';
import { DAY } from './support/time.ts';
import { PRICE_MENSUEL, World } from './support/world.ts';

describe('An operator', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.start();
  });

  afterEach(() => world.close());

  /** Somebody pays at the dashboard's doing whom nobody here knows. */
  async function strangerPays(): Promise<string> {
    const stripe = world.stripe;
    const customer = await stripe.customers.create({ email: 'inconnue@example.com' });
    world.sandbox.createSubscription({ customer: customer.id, price: PRICE_MENSUEL, card: 'succeeds' });
    await world.settle();
    return customer.id;
  }

  it('sees payments of nobody known, names the user, and they are applied by themselves', async () => {
    const user = await world.member();
    const customer = await strangerPays();
    expect(await world.rows.payments()).to.deep.equal([]);
    const before = await askAdmin(world, 'GET', '/api/admin/attention');
    expect(before.body.data).to.have.nested.property('parked[0].waiting_for', customer);

    const answer = await askAdmin(world, 'POST', '/api/admin/customer/link', {
      stripe_customer_id: customer,
      user_id: user.id,
    });
    expect(answer.status).to.equal(200);
    await world.settle();

    expect((await world.rows.payments()).map((row) => [row.userId, row.status])).to.deep.equal([
      [user.id, 'succeeded'],
    ]);
    expect(await user.subscription()).to.deep.include({ is_premium: true, reason: 'active' });
    expect(user.heard().sort()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    const after = await askAdmin(world, 'GET', '/api/admin/attention');
    expect(after.body.data).to.have.property('parked').that.deep.equals([]);
  });

  it('cannot give one user’s customer to another, nor to nobody', async () => {
    const owner = await world.member();
    const other = await world.member();
    await owner.buys();
    const [customer] = await world.rows.customers();

    const link = (userId: unknown) =>
      askAdmin(world, 'POST', '/api/admin/customer/link', {
        stripe_customer_id: customer?.stripeCustomerId,
        user_id: userId,
      });

    expect(await link(other.id)).to.have.nested.property('body.code', 'customer_taken');
    expect(await link(999_999)).to.have.nested.property('body.code', 'user_not_found');
    expect(await link('1')).to.have.property('status', 400);
    expect((await world.rows.customers())[0]?.userId).to.equal(owner.id);
  });

  it('ends all billing of a user at Stripe, and the books outlive the account', async () => {
    const user = await world.member();
    const subscription = await user.buys();

    const answer = await askAdmin(world, 'DELETE', `/api/admin/user/${user.id}/billing`);
    await world.settle();

    expect(answer.body.data).to.deep.include({ canceled_subscriptions: [subscription] });
    expect((await world.stripe.subscriptions.retrieve(subscription)).status).to.equal('canceled');
    const again = await askAdmin(world, 'DELETE', `/api/admin/user/${user.id}/billing`);
    expect(again.body.data).to.deep.include({ canceled_subscriptions: [] });

    await world.orm.em.fork().nativeDelete(User, { id: user.id });
    expect(await world.rows.payments()).to.deep.equal([]);
    const archived = await world.orm.em
      .fork()
      .execute<{ data: Record<string, unknown> }[]>('select data from archived_payments');
    expect(archived.map(({ data }) => [data.amount, data.currency, data.status])).to.deep.equal([
      [999, 'eur', 'succeeded'],
    ]);
    expect(archived[0]?.data).to.not.have.any.keys('user_id', 'stripe_customer_id');
  });

  it('ends what is no subscription as well: schedules, stand-alone invoices, and what waits for the next one', async () => {
    const { stripe } = world;
    const user = await world.member();
    const subscription = await user.buys();
    const [{ stripeCustomerId: customer = '' } = {}] = await world.rows.customers();
    await stripe.subscriptionSchedules.create({ from_subscription: subscription });
    const ahead = await stripe.subscriptionSchedules.create({
      customer,
      start_date: Math.floor(world.now.getTime() / 1_000) + 10 * DAY,
      phases: [{ items: [{ price: PRICE_MENSUEL }], duration: { interval: 'month' } }],
    });
    const product = await stripe.products.create({ name: 'Des tasses' });
    const price = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 2_500 });
    const bill = async (): Promise<string> => {
      await stripe.invoiceItems.create({ customer, pricing: { price: price.id } });
      const made = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
      return String(made.id);
    };
    const [open, draft] = [await bill(), await bill()];
    await stripe.invoices.finalizeInvoice(open);
    const waiting = await stripe.invoiceItems.create({ customer, pricing: { price: price.id } });
    const session = await stripe.checkout.sessions.create({
      mode: 'payment',
      customer,
      line_items: [{ price: price.id, quantity: 1 }],
      success_url: 'https://shop.example/merci',
    });
    await world.orm.em.fork().insert(Customer, {
      userId: user.id,
      stripeCustomerId: 'cus_in_live_mode',
      livemode: true,
      preferred: false,
      linkedBy: 'checkout',
      createdAt: world.now,
    });
    const invoicesBefore = (await stripe.invoices.list({ customer, limit: 100 })).data.length;

    const answer = await askAdmin(world, 'DELETE', `/api/admin/user/${user.id}/billing`);
    await world.settle();

    const { deleted_invoice_items: items, ...ended } = answer.body.data as unknown as EndedBilling;
    expect(ended).to.deep.equal({
      customers: [customer],
      canceled_subscriptions: [subscription],
      canceled_schedules: [ahead.id],
      expired_sessions: [session.id],
      voided_invoices: [draft, open],
      left: [{ customer: 'cus_in_live_mode', reason: 'other_mode' }],
    });
    // What was on the draft waits again, and goes as well.
    expect(items).to.have.length(2).and.to.include(waiting.id);
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).to.deep.equal([]);
    const invoices = (await stripe.invoices.list({ customer, limit: 100 })).data;
    expect(invoices).to.have.length(invoicesBefore - 1);
    expect(new Set(invoices.map(({ status }) => status))).to.deep.equal(new Set(['paid', 'void']));
    await world.advance(40 * DAY, DAY);
    expect((await stripe.subscriptions.list({ customer, status: 'active' })).data).to.deep.equal([]);
    expect((await stripe.invoices.list({ customer, limit: 100 })).data).to.have.length(invoices.length);
  });

  it('who ends the billing of a user keeps them from buying for a day, over which the account can go', async () => {
    const user = await world.member();
    const other = await world.member();
    const open = await user.beginCheckout();
    await askAdmin(world, 'DELETE', `/api/admin/user/${user.id}/billing`);
    expect((await world.stripe.checkout.sessions.retrieve(open)).status).to.equal('expired');

    const refused = await user.post('/api/stripe/subscription', { plan_type: 'mensuel' });
    expect(refused.status).to.equal(409);
    expect(refused.body).to.include({ success: false, code: 'billing_ended' });
    const publicly = await user.post('/api/stripe/create-checkout-session', { plan: 'mensuel' });
    expect(publicly.body).to.include({ success: false, code: 'billing_ended' });
    await other.buys();

    await world.advance(DAY + 60);
    await world.maintain({ task: 'sweep' });
    await user.buys();
    expect(await world.orm.em.fork().count(BillingEnd)).to.equal(0);
  });

  it('is told when Stripe does not answer, and nothing counts as ended', async () => {
    const user = await world.member();
    const subscription = await user.buys();
    world.sandbox.faults.add({
      kind: 'error',
      path: '/v1/subscriptions',
      method: 'DELETE',
      status: 500,
      times: 20,
    });

    const answer = await askAdmin(world, 'DELETE', `/api/admin/user/${user.id}/billing`);

    expect(answer.status).to.equal(503);
    expect(answer.body).to.have.property('code', 'stripe_unavailable');
    world.sandbox.faults.clear();
    expect((await world.stripe.subscriptions.retrieve(subscription)).status).to.equal('active');
  });

  it('sees what is wrong with the webhook endpoint', async () => {
    await world.maintain({ task: 'check-endpoint' });
    const fine = await askAdmin(world, 'GET', '/api/admin/attention');
    expect(fine.body.data).to.have.nested.property('webhook_endpoint.problems').that.deep.equals([]);

    const { data } = await world.stripe.webhookEndpoints.list();
    await world.stripe.webhookEndpoints.update(data[0]?.id ?? '', {
      disabled: true,
      enabled_events: ['invoice.paid', 'customer.subscription.updated'],
    });
    await world.maintain({ task: 'check-endpoint' });

    const problems = (await askAdmin(world, 'GET', '/api/admin/attention')).body.data;
    expect(problems).to.have.nested.property('webhook_endpoint.problems[0].code', 'disabled');
    expect(problems)
      .to.have.nested.property('webhook_endpoint.problems[1].message')
      .that.contains('customer.subscription.deleted');
  });
});
