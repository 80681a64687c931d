import { expect } from 'chai';
import {
  buy,
  errorOf,
  idOf,
  MONTHLY,
  openSession,
  openShop,
  pass,
  type Shop,
  START,
  YEARLY,
} from './support.ts';

describe('sandbox: checkout', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop();
  });
  afterEach(() => shop.close());

  it('sells a subscription to a guest and announces every step', async () => {
    const { sandbox, stripe, inbox } = shop;
    const session = await openSession(shop);
    expect(session).to.include({
      status: 'open',
      payment_status: 'unpaid',
      amount_total: 999,
      currency: 'eur',
    });
    expect(session.url).to.equal(`${sandbox.url}/c/pay/${session.id}`);

    const { outcome } = sandbox.completeCheckout({ session: session.id, email: 'lea@example.com' });
    await sandbox.deliveries.idle();

    expect(outcome).to.equal('complete');
    expect(inbox.types).to.have.members([
      'customer.created',
      'payment_method.attached',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'customer.subscription.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.updated',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
      'customer.subscription.updated',
      'checkout.session.completed',
    ]);
    expect(inbox.last('customer.subscription.created').data.object.status).to.equal('incomplete');
    const updated = inbox.last('customer.subscription.updated');
    expect(updated.data.object.status).to.equal('active');
    expect(updated.data.previous_attributes).to.deep.equal({ status: 'incomplete' });
    const completed = inbox.last('checkout.session.completed').data.object;
    expect(completed).to.include({ status: 'complete', payment_status: 'paid', client_reference_id: '42' });
    expect(completed.payment_intent).to.equal(null);
    expect(completed.customer_details?.email).to.equal('lea@example.com');

    const subscription = await stripe.subscriptions.retrieve(idOf(completed.subscription), {
      expand: ['latest_invoice.payments', 'customer', 'default_payment_method'],
    });
    expect(subscription.metadata).to.deep.equal({ user_id: '42' });
    expect(subscription.billing_mode.type).to.equal('flexible');
    const invoice = subscription.latest_invoice;
    if (invoice === null || typeof invoice === 'string') throw new Error('the invoice was to be expanded');
    expect(invoice).to.include({ status: 'paid', amount_paid: 999, billing_reason: 'subscription_create' });
    expect(invoice.parent?.subscription_details?.subscription).to.equal(subscription.id);
    expect(invoice).not.to.have.property('payment_intent');
    const [payment] = invoice.payments?.data ?? [];
    const intent = await stripe.paymentIntents.retrieve(idOf(payment?.payment.payment_intent));
    expect(intent).to.include({ status: 'succeeded', amount_received: 999 });
    expect(subscription.customer).to.include({ email: 'lea@example.com', delinquent: false });
  });

  for (const [price, status, due] of [
    [YEARLY, 'incomplete', 999],
    [MONTHLY, 'active', 0],
  ] as const) {
    it(`uses up a credit of 90 euros first, and takes ${due} cents for ${price}`, async () => {
      const { sandbox, stripe, inbox } = shop;
      const first = await buy(shop, { params: { line_items: [{ price: YEARLY, quantity: 1 }] } });
      sandbox.changePlan({ subscription: first.id, price: MONTHLY });
      sandbox.cancelNow({ subscription: first.id });
      await sandbox.deliveries.idle();
      inbox.clear();

      const customer = idOf(first.customer);
      const session = await openSession(shop, { customer, line_items: [{ price, quantity: 1 }] });
      sandbox.completeCheckout({ session: session.id });
      await sandbox.deliveries.idle();

      const created = inbox.last('customer.subscription.created').data.object;
      expect(created.status).to.equal(status);
      expect(inbox.last('invoice.paid').data.object.amount_paid).to.equal(due);
      const charged = inbox.events.flatMap((event) =>
        event.type === 'charge.succeeded' ? [event.data.object.amount] : [],
      );
      expect(charged).to.deep.equal(due === 0 ? [] : [due]);
      expect((await stripe.subscriptions.retrieve(created.id)).status).to.equal('active');
    });
  }

  it('keeps the session open after a decline, and takes another card', async () => {
    const { sandbox, stripe, inbox } = shop;
    const session = await openSession(shop);
    const refused = sandbox.completeCheckout({ session: session.id, card: '4000 0000 0000 9995' });
    expect(refused).to.include({ outcome: 'declined', code: 'insufficient_funds' });
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).to.equal('open');

    const paid = sandbox.completeCheckout({ session: session.id, card: 'succeeds' });
    await sandbox.deliveries.idle();

    expect(paid.outcome).to.equal('complete');
    expect(inbox.count('charge.failed')).to.equal(1);
    expect(inbox.count('payment_intent.created')).to.equal(1);
    expect(inbox.count('customer.created')).to.equal(1);
    const failed = inbox.last('payment_intent.payment_failed').data.object;
    expect(failed.last_payment_error?.decline_code).to.equal('insufficient_funds');
    expect(inbox.last('payment_intent.succeeded').data.object.last_payment_error).to.equal(null);
    expect(inbox.count('customer.subscription.created')).to.equal(1);
  });

  it('waits for the holder when the card asks for 3D Secure', async () => {
    const { sandbox, inbox } = shop;
    const session = await openSession(shop);
    expect(sandbox.completeCheckout({ session: session.id, card: 'authentication' }).outcome).to.equal(
      'requires_action',
    );
    expect(sandbox.authenticate({ id: session.id, accept: false }).outcome).to.equal('declined');
    expect(sandbox.completeCheckout({ session: session.id, card: 'authentication' }).outcome).to.equal(
      'requires_action',
    );
    expect(sandbox.authenticate({ id: session.id, accept: true }).outcome).to.equal('complete');
    await sandbox.deliveries.idle();
    expect(inbox.count('payment_intent.requires_action')).to.equal(2);
    expect(inbox.count('charge.failed')).to.equal(0);
    expect(inbox.count('checkout.session.completed')).to.equal(1);
  });

  it('takes nothing from a customer with a coupon of 100 %', async () => {
    const { stripe, sandbox, inbox } = shop;
    const coupon = await stripe.coupons.create({ percent_off: 100, duration: 'forever' });
    const session = await openSession(shop, {
      discounts: [{ coupon: coupon.id }],
      payment_method_collection: 'if_required',
    });
    expect(session.amount_total).to.equal(0);
    sandbox.completeCheckout({ session: session.id });
    await sandbox.deliveries.idle();
    const completed = inbox.last('checkout.session.completed').data.object;
    expect(completed.payment_status).to.equal('no_payment_required');
    expect(inbox.last('invoice.paid').data.object).to.include({ amount_paid: 0, total: 0, subtotal: 999 });
    expect(inbox.types).not.to.include('payment_intent.created');
    expect(inbox.last('customer.subscription.created').data.object.status).to.equal('active');
  });

  it('takes a promotion code off the first invoice only', async () => {
    const { stripe, sandbox, inbox } = shop;
    const coupon = await stripe.coupons.create({ percent_off: 20, duration: 'once' });
    await stripe.promotionCodes.create({
      promotion: { type: 'coupon', coupon: coupon.id },
      code: 'MATCHA20',
    });
    const session = await openSession(shop, { allow_promotion_codes: true });
    expect(sandbox.completeCheckout({ session: session.id, promo: 'faux' }).outcome).to.equal('invalid');
    sandbox.completeCheckout({ session: session.id, promo: 'matcha20' });
    await pass(shop, 32 * 86_400);
    const invoices = inbox.events.flatMap((event) =>
      event.type === 'invoice.paid' ? [event.data.object.amount_paid] : [],
    );
    expect(invoices).to.deep.equal([799, 999]);
    expect((await stripe.coupons.retrieve(coupon.id)).times_redeemed).to.equal(1);
  });

  it('adds tax to prices that exclude it and shows it within those that include it', async () => {
    const { stripe, sandbox, inbox } = shop;
    const exclusive = await stripe.prices.create({
      currency: 'eur',
      unit_amount: 1000,
      recurring: { interval: 'month' },
      product_data: { name: 'Hors taxes' },
      tax_behavior: 'exclusive',
    });
    for (const [price, total, tax] of [
      [exclusive.id, 1200, 200],
      [MONTHLY, 999, 167],
    ] as const) {
      const session = await openSession(shop, {
        line_items: [{ price, quantity: 1 }],
        automatic_tax: { enabled: true },
      });
      expect(session.amount_total).to.equal(total);
      sandbox.completeCheckout({ session: session.id });
      await sandbox.deliveries.idle();
      const invoice = inbox.last('invoice.paid').data.object;
      expect(invoice.amount_paid).to.equal(total);
      expect(invoice.total_taxes?.map((each) => each.amount)).to.deep.equal([tax]);
    }
  });

  it('expires after its time, or when asked', async () => {
    const { stripe, sandbox, inbox } = shop;
    const [first, second] = [await openSession(shop), await openSession(shop)];
    expect((await stripe.checkout.sessions.expire(first.id)).status).to.equal('expired');
    expect((await errorOf(stripe.checkout.sessions.expire(first.id))).statusCode).to.equal(400);
    await pass(shop, 86_400);
    expect(inbox.count('checkout.session.expired')).to.equal(2);
    expect((await stripe.checkout.sessions.retrieve(second.id)).status).to.equal('expired');
    expect(() => sandbox.completeCheckout({ session: second.id })).to.throw(/expired/);
  });

  for (const result of ['succeeds', 'fails'] as const) {
    it(`completes a SEPA purchase unpaid, and says later that it ${result}`, async () => {
      const { sandbox, inbox, stripe } = shop;
      const session = await openSession(shop);
      sandbox.completeCheckout({
        session: session.id,
        card: result === 'succeeds' ? 'sepaSucceeds' : 'sepaFails',
      });
      await sandbox.deliveries.idle();
      const completed = inbox.last('checkout.session.completed').data.object;
      expect(completed.payment_status).to.equal('unpaid');
      expect(inbox.types).to.include('payment_intent.processing');
      await pass(shop, 3 * 86_400);
      const subscription = await stripe.subscriptions.retrieve(idOf(completed.subscription));
      if (result === 'succeeds') {
        expect(inbox.last('checkout.session.async_payment_succeeded').data.object.payment_status).to.equal(
          'paid',
        );
        expect(subscription.status).to.equal('active');
      } else {
        expect(inbox.last('checkout.session.async_payment_failed').data.object.payment_status).to.equal(
          'unpaid',
        );
        expect(subscription.status).to.equal('active');
        expect((await stripe.invoices.retrieve(idOf(completed.invoice))).status).to.equal('void');
      }
    });
  }

  it('may announce the subscription as active from the start, as Stripe was seen to do', async () => {
    await shop.close();
    shop = await openShop({ billing: { checkoutSubscriptionStartsAs: 'active' } });
    const { sandbox, inbox } = shop;
    const session = await openSession(shop);
    sandbox.completeCheckout({ session: session.id });
    await sandbox.deliveries.idle();
    expect(inbox.last('customer.subscription.created').data.object.status).to.equal('active');
    expect(inbox.types).not.to.include('customer.subscription.updated');
  });

  it('goes on by itself while the clock runs', async () => {
    await shop.close();
    shop = await openShop({ frozen: false, billing: { delayedPaymentSeconds: 1 } });
    const session = await openSession(shop);
    shop.sandbox.completeCheckout({ session: session.id, card: 'sepaSucceeds' });
    await shop.inbox.waitFor('checkout.session.async_payment_succeeded');
    expect(shop.sandbox.now).to.be.within(START + 1, START + 10);
  });

  it('refuses what Stripe refuses', async () => {
    const { stripe } = shop;
    const customer = await stripe.customers.create({ email: 'lea@example.com' });
    const coupon = await stripe.coupons.create({ percent_off: 10 });
    const discounts = [{ coupon: coupon.id }];
    const refusals = [
      openSession(shop, { discounts, allow_promotion_codes: true }),
      openSession(shop, { customer: customer.id, customer_email: 'lea@example.com' }),
      openSession(shop, { customer: customer.id, automatic_tax: { enabled: true } }),
      openSession(shop, { line_items: [{ price: 'price_unknown', quantity: 1 }] }),
      openSession(shop, { customer: 'cus_unknown' }),
      openSession(shop, { expires_at: 1 }),
    ];
    const errors = await Promise.all(refusals.map(errorOf));
    expect(errors.map((error) => error.statusCode)).to.deep.equal([400, 400, 400, 400, 400, 400]);
    expect(errors.map((error) => error.code)).to.deep.equal([
      undefined,
      undefined,
      'customer_tax_location_invalid',
      'resource_missing',
      'resource_missing',
      undefined,
    ]);
    expect(errors[3]?.message).to.equal("No such price: 'price_unknown'");
    const allowed = await openSession(shop, {
      customer: customer.id,
      automatic_tax: { enabled: true },
      customer_update: { address: 'auto' },
    });
    expect(allowed.customer).to.equal(customer.id);
  });

  it('finds sessions by customer, subscription and status, and expands them', async () => {
    const { stripe, sandbox } = shop;
    const session = await openSession(shop);
    await openSession(shop);
    const { session: done } = sandbox.completeCheckout({ session: session.id });
    const bySubscription = await stripe.checkout.sessions.list({ subscription: String(done.subscription) });
    expect(bySubscription.data.map((each) => each.id)).to.deep.equal([session.id]);
    const byCustomer = await stripe.checkout.sessions.list({ customer: String(done.customer) });
    expect(byCustomer.data).to.have.length(1);
    expect((await stripe.checkout.sessions.list({ status: 'open' })).data).to.have.length(1);
    const full = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['line_items', 'subscription.latest_invoice', 'customer'],
    });
    expect(full.line_items?.data[0]?.price?.id).to.equal(MONTHLY);
    expect(full.subscription).to.have.nested.property('latest_invoice.status', 'paid');
    expect(full.customer).to.have.property('email', 'client@example.com');
  });
});
