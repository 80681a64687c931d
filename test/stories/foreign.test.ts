import { expect } from 'chai';
import type Stripe from 'stripe';
import { askAdmin } from './support/operator.ts';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, MINUTE } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

/** A price of another shop on the same Stripe account. */
async function foreignPrice(world: World, recurring = false): Promise<string> {
  const product = await world.stripe.products.create({ name: 'Des tasses' });
  const { id } = await world.stripe.prices.create({
    product: product.id,
    currency: 'eur',
    unit_amount: 2_500,
    ...(recurring ? { recurring: { interval: 'month' } } : {}),
  });
  return id;
}

/** What became of all events of a type. */
async function outcomesOf(world: World, type: string): Promise<(string | null | undefined)[]> {
  return (await world.rows.events()).filter((row) => row.eventType === type).map((row) => row.outcome);
}

/** Nothing on the books, nobody linked, nothing for the operator to look at. */
async function nothingIsOurs(world: World): Promise<void> {
  expect((await world.rows.customers()).filter((row) => row.userId != null)).to.deep.equal([]);
  expect(await world.rows.payments()).to.deep.equal([]);
  expect(await world.rows.subscriptions()).to.deep.equal([]);
  const { data } = (await askAdmin(world, 'GET', '/api/admin/attention')).body;
  expect(data).to.deep.include({ parked: [], failed_events: 0, unconfirmed_links: [] });
}

describe('What another shop on the account does', () => {
  for (const mode of ['payment', 'setup'] as const) {
    it(
      `in a ${mode} session that names our user ties nobody to them`,
      story(async (world) => {
        const user = await world.member();
        const metadata = { user_id: String(user.id), plan_type: 'mensuel', source: 'guest' };
        const stranger = await world.stripe.customers.create({ email: user.email, metadata });
        const session = await world.stripe.checkout.sessions.create({
          mode,
          customer: stranger.id,
          client_reference_id: String(user.id),
          metadata,
          success_url: 'https://shop.example/merci',
          ...(mode === 'payment'
            ? {
                line_items: [{ price: await foreignPrice(world), quantity: 1 }],
                payment_intent_data: { metadata },
              }
            : { currency: 'eur', setup_intent_data: { metadata } }),
        });
        world.sandbox.completeCheckout({ session: session.id });
        await world.settle();

        expect(await outcomesOf(world, 'checkout.session.completed')).to.deep.equal(['ignored']);
        await nothingIsOurs(world);
        expect((await user.get('/api/stripe/subscription/billing-portal')).status).to.equal(404);
        const returned = await user.get(`/api/stripe/subscription?session_id=${session.id}`);
        expect(returned.body).to.include({ success: false, code: 'session_not_found' });
      }),
    );
  }

  it(
    'by a payment link whose address names our user ties nobody to them, once or every month',
    story(async (world) => {
      const user = await world.member();
      for (const recurring of [false, true]) {
        const price = await foreignPrice(world, recurring);
        const { id } = world.sandbox.openPaymentLink({ price, clientReferenceId: String(user.id) });
        world.sandbox.completeCheckout({ session: id, email: user.email });
        await world.settle();
      }
      await world.advance(33 * DAY, DAY);

      await nothingIsOurs(world);
      expect(await user.account()).to.deep.include({ reason: 'none', payments: [] });
    }),
  );

  it(
    'by a bare intent with another app’s user id in it is ignored, and so is its refund and its dispute',
    story(async (world) => {
      const user = await world.member();
      const stranger = await world.stripe.customers.create({});
      const intent = await world.stripe.paymentIntents.create({
        amount: 4_200,
        currency: 'eur',
        customer: stranger.id,
        payment_method: 'pm_card_visa',
        confirm: true,
        metadata: { user_id: String(user.id) },
      });
      world.sandbox.refund({ of: intent.id, amount: 1_000 });
      world.sandbox.openDispute({ of: intent.id });
      await world.settle();

      expect(await outcomesOf(world, 'payment_intent.succeeded')).to.deep.equal(['ignored']);
      expect(await outcomesOf(world, 'charge.refunded')).to.deep.equal(['ignored']);
      expect(await outcomesOf(world, 'refund.created')).to.deep.equal(['ignored']);
      expect(await outcomesOf(world, 'charge.dispute.created')).to.deep.equal(['ignored']);
      await nothingIsOurs(world);
    }),
  );

  it(
    'as a subscription whose metadata looks like ours is ignored with all its invoices',
    story(async (world) => {
      const user = await world.member();
      const stranger = await world.stripe.customers.create({ email: user.email });
      world.sandbox.createSubscription({
        customer: stranger.id,
        price: await foreignPrice(world, true),
        card: 'succeeds',
        metadata: { user_id: String(user.id), plan_type: 'mensuel' },
      });
      await world.advance(33 * DAY, DAY);

      await nothingIsOurs(world);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'on a connected account is ignored, without asking Stripe for its objects',
    story(async (world) => {
      const { user, end } = await subscriber(world);
      const ours = await world.rows.events();
      for (const { stripeEventId: event } of ours)
        world.sandbox.connectedEvent({ event, account: 'acct_1Other' });
      await world.settle();

      const others = (await world.rows.events()).slice(ours.length);
      expect(others.map((row) => row.outcome)).to.deep.equal(ours.map(() => 'ignored'));
      expect(await world.rows.subscriptions()).to.have.length(1);
      expect(await world.rows.payments()).to.have.length(1);
      expect(await world.rows.customers()).to.have.length(1);
      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'does not keep our own account’s events out that name it, as an organisation’s destination sends them',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      world.sandbox.deliveries.setRules({ drop: ['customer.subscription.*'], dropTimes: 10 });
      world.sandbox.cancelNow({ subscription: id });
      await world.settle();
      const [ended] = (await world.stripe.events.list({ type: 'customer.subscription.deleted' })).data;

      const own = { ...ended, account: 'acct_1SandboxMatcha', context: 'org_1/acct_1SandboxMatcha' };
      expect(await world.deliver(own)).to.equal(200);
      await world.settle();

      expect((await user.account()).reason).to.equal('none');
    }),
  );
});

describe('A customer of ours', () => {
  /** Buys something else from another shop, as the customer we made. */
  async function buysElsewhere(world: World, customer: string): Promise<Stripe.PaymentIntent> {
    return world.stripe.paymentIntents.create({
      amount: 4_200,
      currency: 'eur',
      customer,
      payment_method: 'pm_card_visa',
      confirm: true,
    });
  }

  it(
    'who pays another shop pays us nothing, and hears nothing of its refund',
    story(async (world) => {
      const { user, customer } = await subscriber(world);
      const intent = await buysElsewhere(world, customer);
      await world.settle();
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);

      world.sandbox.refund({ of: intent.id });
      world.sandbox.openDispute({ of: intent.id });
      await world.settle();
      await world.advance(3 * MINUTE);
      await world.maintain({ task: 'sweep' });

      expect((await world.rows.payments()).map((row) => row.amount)).to.deep.equal([999]);
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
      expect(user.news()).to.deep.equal([]);
      expect((await world.rows.subscription()).revokedAt).to.equal(null);
    }),
  );

  it(
    'whose other payment’s refund is heard of first ends the same',
    story(async (world) => {
      const { user, customer } = await subscriber(world);
      world.sandbox.deliveries.hold();
      const intent = await buysElsewhere(world, customer);
      world.sandbox.refund({ of: intent.id });
      await world.releaseFirst('refund.created', 'charge.refunded', 'payment_intent.succeeded');
      await world.advance(3 * MINUTE);
      await world.maintain({ task: 'sweep' });

      expect((await world.rows.payments()).map((row) => row.amount)).to.deep.equal([999]);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'whose payment comes long before its invoice is shown it once the invoice is known to be ours',
    story(async (world) => {
      const user = await world.member();
      world.sandbox.deliveries.setRules({ drop: ['invoice.*', 'invoice_payment.*'], dropTimes: 100 });
      await user.buys();
      expect((await user.account()).payments).to.deep.equal([]);

      await world.advance(3 * MINUTE);
      await world.maintain({ task: 'sweep' });

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
    }),
  );

  it(
    'who is sent an invoice by another shop owes us nothing, however it ends',
    story(async (world) => {
      const { user, customer } = await subscriber(world);
      const price = await foreignPrice(world);
      for (const card of ['succeeds', 'declined']) {
        await world.stripe.invoiceItems.create({ customer, pricing: { price } });
        const invoice = await world.stripe.invoices.create({
          customer,
          pending_invoice_items_behavior: 'include',
        });
        await world.stripe.invoices.finalizeInvoice(String(invoice.id));
        world.sandbox.payInvoice({ invoice: String(invoice.id), card });
        await world.settle();
      }
      await world.advance(3 * MINUTE);
      await world.maintain({ task: 'sweep' });

      expect(await outcomesOf(world, 'invoice.paid')).to.have.members(['applied', 'ignored']);
      expect(await outcomesOf(world, 'invoice.payment_failed')).to.deep.equal(['ignored']);
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
      expect(user.news()).to.deep.equal([]);
      expect((await world.rows.subscription()).pastDueSince).to.equal(null);
    }),
  );

  it(
    'whose price has left the configuration while the page was open still gets what they bought',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      world.sandbox.createSubscription({
        customer,
        price: await foreignPrice(world, true),
        card: 'succeeds',
        metadata: { user_id: String(user.id), plan_type: 'mensuel' },
      });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', plan: 'mensuel' });
    }),
  );

  it(
    'made at the dashboard for a price of ours is the user’s whom its subscription names',
    story(async (world) => {
      const user = await world.member();
      const customer = await world.stripe.customers.create({});
      world.sandbox.createSubscription({
        customer: customer.id,
        price: PRICE_MENSUEL,
        card: 'succeeds',
        metadata: { user_id: String(user.id) },
      });
      await world.settle();

      expect((await world.rows.customers())[0]).to.include({ userId: user.id, linkedBy: 'metadata' });
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
    }),
  );
});
