import { expect } from 'chai';
import {
  buy,
  DAY,
  errorOf,
  HOUR,
  idOf,
  MONTHLY,
  openSession,
  openShop,
  pass,
  type Shop,
  START,
} from './support.ts';

/** 15 January to 15 February. */
const MONTH = 31 * DAY;

describe('sandbox: renewals', () => {
  let shop: Shop;
  afterEach(() => shop.close());

  it('rolls the period with the draft, and charges it an hour later', async () => {
    shop = await openShop();
    const subscription = await buy(shop);
    await pass(shop, MONTH - 7 * DAY);
    const upcoming = shop.inbox.last('invoice.upcoming').data.object;
    expect(upcoming).not.to.have.property('id');
    expect(upcoming.amount_due).to.equal(999);
    await pass(shop, 7 * DAY);
    const { inbox } = shop;
    expect(inbox.types).to.deep.equal([
      'invoice.upcoming',
      'customer.subscription.updated',
      'invoice.created',
    ]);
    const rolled = inbox.last('customer.subscription.updated');
    expect(rolled.created).to.equal(START + MONTH);
    expect(rolled.data.previous_attributes).to.have.keys('items', 'latest_invoice');
    expect(rolled.data.object.items.data[0]?.current_period_start).to.equal(START + MONTH);
    const draft = inbox.last('invoice.created').data.object;
    expect(draft).to.include({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      period_end: START + MONTH,
    });
    expect(draft.lines.data[0]?.period.start).to.equal(START + MONTH);
    inbox.clear();

    await pass(shop, HOUR);
    expect(inbox.types).to.deep.equal([
      'invoice.finalized',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.updated',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
    expect(inbox.last('invoice.paid').created).to.equal(START + MONTH + HOUR);
    const payment = inbox.last('invoice_payment.paid').data.object;
    expect(payment.payment.payment_intent).to.equal(inbox.last('payment_intent.succeeded').data.object.id);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).to.equal('active');
  });

  it('keeps its day of the month through shorter months', async () => {
    shop = await openShop({ startAt: Date.UTC(2027, 0, 31) / 1000 });
    const { id } = await buy(shop);
    const ends: string[] = [];
    for (let month = 0; month < 3; month++) {
      const [item] = (await shop.stripe.subscriptions.retrieve(id)).items.data;
      ends.push(new Date((item?.current_period_end ?? 0) * 1000).toISOString().slice(0, 10));
      await shop.sandbox.advanceTo(item?.current_period_end ?? 0);
    }
    expect(ends).to.deep.equal(['2027-02-28', '2027-03-31', '2027-04-30']);
  });

  for (const afterLastRetry of ['canceled', 'unpaid', 'past_due'] as const) {
    it(`retries a failing renewal, then leaves the subscription ${afterLastRetry}`, async () => {
      shop = await openShop({ billing: { afterLastRetry } });
      const { inbox, stripe } = shop;
      const { id, customer } = await buy(shop, { card: 'failsLater' });
      await pass(shop, MONTH + HOUR);
      const first = inbox.last('invoice.payment_failed').data.object;
      expect(first).to.include({
        attempt_count: 1,
        status: 'open',
        next_payment_attempt: START + MONTH + HOUR + 3 * DAY,
      });
      expect(inbox.last('customer.subscription.updated').data.object.status).to.equal('past_due');
      expect(inbox.last('customer.updated').data.object.delinquent).to.equal(true);
      await pass(shop, 20 * DAY);
      const last = inbox.last('invoice.payment_failed').data.object;
      expect(last).to.include({ attempt_count: 4, next_payment_attempt: null });
      expect(inbox.count('charge.failed')).to.equal(4);
      const subscription = await stripe.subscriptions.retrieve(id);
      expect(subscription.status).to.equal(afterLastRetry);
      if (afterLastRetry === 'canceled') {
        const ended = inbox.last('customer.subscription.deleted').data.object;
        expect(ended.cancellation_details?.reason).to.equal('payment_failed');
        expect(ended.ended_at).to.equal(inbox.last('customer.subscription.deleted').created);
      }
      expect(idOf(customer)).to.match(/^cus_/);
    });
  }

  it('recovers when the customer gives another card before the last retry', async () => {
    shop = await openShop();
    const { inbox, sandbox, stripe } = shop;
    const { id, customer } = await buy(shop, { card: 'failsLater' });
    await pass(shop, MONTH + HOUR);
    sandbox.setCard({ customer: idOf(customer), card: 'succeeds' });
    await pass(shop, 3 * DAY);
    expect(inbox.last('invoice.paid').data.object.attempt_count).to.equal(2);
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    expect(inbox.last('customer.updated').data.object.delinquent).to.equal(false);
    expect(inbox.types).not.to.include('customer.subscription.deleted');
  });

  it('recovers when the open invoice is paid by hand', async () => {
    shop = await openShop();
    const { stripe } = shop;
    const { id } = await buy(shop, { card: 'failsLater' });
    await pass(shop, MONTH + HOUR);
    const [invoice] = (await stripe.invoices.list({ subscription: id, status: 'open' })).data;
    const error = await errorOf(stripe.invoices.pay(invoice?.id ?? ''));
    expect(error).to.include({ type: 'StripeCardError', statusCode: 402, code: 'card_declined' });
    const paid = await stripe.invoices.pay(invoice?.id ?? '', { payment_method: 'pm_card_visa' });
    expect(paid).to.include({ status: 'paid', attempt_count: 3, amount_remaining: 0 });
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
  });

  it('asks for authentication when the bank wants the holder at every renewal', async () => {
    shop = await openShop();
    const { inbox, sandbox, stripe } = shop;
    const { id } = await buy(shop, { card: 'alwaysAuthentication' });
    await pass(shop, MONTH + HOUR);
    const asked = inbox.last('invoice.payment_action_required').data.object;
    expect(asked.hosted_invoice_url).to.match(/^http.*\/i\/in_/);
    expect(inbox.last('payment_intent.requires_action').data.object.status).to.equal('requires_action');
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('past_due');
    expect(sandbox.authenticate({ id: asked.id ?? '', accept: true }).outcome).to.equal('paid');
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
  });

  describe('trials', () => {
    const trial = { subscription_data: { trial_period_days: 14 } };

    it('warn three days before, then convert with a paid invoice', async () => {
      shop = await openShop();
      const { inbox, sandbox } = shop;
      const session = await openSession(shop, trial);
      sandbox.completeCheckout({ session: session.id });
      await sandbox.deliveries.idle();
      expect(inbox.last('checkout.session.completed').data.object.payment_status).to.equal(
        'no_payment_required',
      );
      expect(inbox.last('customer.subscription.created').data.object).to.include({
        status: 'trialing',
        trial_end: START + 14 * DAY,
      });
      expect(inbox.last('invoice.paid').data.object).to.include({
        total: 0,
        billing_reason: 'subscription_create',
      });
      expect(inbox.types).to.include('setup_intent.succeeded').and.not.include('payment_intent.created');
      await pass(shop, 11 * DAY);
      expect(inbox.last('customer.subscription.trial_will_end').created).to.equal(START + 11 * DAY);
      await pass(shop, 3 * DAY + HOUR);
      expect(inbox.last('customer.subscription.updated').data.object.status).to.equal('active');
      expect(inbox.last('invoice.paid').data.object).to.include({
        total: 999,
        billing_reason: 'subscription_cycle',
      });
    });

    for (const [behavior, status] of [
      ['cancel', 'canceled'],
      ['pause', 'paused'],
      ['create_invoice', 'past_due'],
    ] as const) {
      it(`end ${status} without a payment method when told to ${behavior}`, async () => {
        shop = await openShop();
        const { id } = await buy(shop, {
          params: {
            payment_method_collection: 'if_required',
            subscription_data: {
              trial_period_days: 14,
              trial_settings: { end_behavior: { missing_payment_method: behavior } },
            },
          },
        });
        await pass(shop, 14 * DAY + HOUR);
        expect((await shop.stripe.subscriptions.retrieve(id)).status).to.equal(status);
        const event = {
          cancel: 'customer.subscription.deleted',
          pause: 'customer.subscription.paused',
          create_invoice: 'invoice.payment_failed',
        }[behavior];
        expect(shop.inbox.types).to.include(event);
      });
    }

    it('resume from a pause with a paid period', async () => {
      shop = await openShop();
      const missing = { end_behavior: { missing_payment_method: 'pause' as const } };
      const { id, customer } = await buy(shop, {
        params: {
          payment_method_collection: 'if_required',
          subscription_data: { trial_period_days: 7, trial_settings: missing },
        },
      });
      await pass(shop, 8 * DAY);
      shop.sandbox.setCard({ customer: idOf(customer), card: 'succeeds' });
      const begun = await shop.stripe.subscriptions.resume(id);
      expect(begun.status).to.equal('paused');
      await shop.stripe.invoices.pay(idOf(begun.latest_invoice));
      const resumed = await shop.stripe.subscriptions.retrieve(id);
      await shop.sandbox.deliveries.idle();
      expect(resumed.status).to.equal('active');
      expect(resumed.items.data[0]?.current_period_start).to.equal(START + 8 * DAY);
      expect(shop.inbox.types).to.include.members(['customer.subscription.resumed', 'invoice.paid']);
    });

    it('of three days or less warn at once, and once only', async () => {
      shop = await openShop();
      const { inbox, sandbox, stripe } = shop;
      const session = await openSession(shop, { subscription_data: { trial_period_days: 2 } });
      const { session: done } = sandbox.completeCheckout({ session: session.id });
      await stripe.subscriptions.update(String(done.subscription), { metadata: { seen: 'yes' } });
      await pass(shop, 2 * DAY + HOUR);
      expect(inbox.count('customer.subscription.trial_will_end')).to.equal(1);
      expect(inbox.last('invoice.paid').data.object.total).to.equal(999);
    });

    it('end now when asked', async () => {
      shop = await openShop();
      const { id } = await buy(shop, { params: trial });
      const ended = await shop.stripe.subscriptions.update(id, { trial_end: 'now' });
      expect(ended).to.include({ status: 'active', trial_end: START });
      const [invoice] = (await shop.stripe.invoices.list({ subscription: id })).data;
      expect(invoice).to.include({ status: 'paid', amount_paid: 999 });
    });
  });

  it('lets an unpaid first invoice expire after 23 hours', async () => {
    shop = await openShop();
    const { stripe, inbox } = shop;
    const customer = await stripe.customers.create({ email: 'lea@example.com' });
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: MONTHLY }],
      payment_behavior: 'default_incomplete',
      expand: ['latest_invoice.confirmation_secret'],
    });
    expect(subscription.status).to.equal('incomplete');
    expect(subscription.latest_invoice)
      .to.have.nested.property('confirmation_secret.client_secret')
      .that.matches(/_secret_/);
    await pass(shop, 23 * HOUR);
    expect(inbox.last('customer.subscription.updated').data.object.status).to.equal('incomplete_expired');
    expect(inbox.last('invoice.voided').data.object.status).to.equal('void');
  });

  for (const [behavior, status] of [
    ['void', 'void'],
    ['mark_uncollectible', 'uncollectible'],
    ['keep_as_draft', 'draft'],
  ] as const) {
    it(`makes invoices ${status} while collection is paused with ${behavior}`, async () => {
      shop = await openShop();
      const { stripe } = shop;
      const { id } = await buy(shop);
      const paused = await stripe.subscriptions.update(id, { pause_collection: { behavior } });
      expect(paused.pause_collection).to.deep.equal({ behavior, resumes_at: null });
      await pass(shop, MONTH + HOUR);
      const [invoice] = (await stripe.invoices.list({ subscription: id, limit: 1 })).data;
      expect(invoice?.status).to.equal(status);
      const resumed = await stripe.subscriptions.update(id, { pause_collection: '' });
      expect(resumed).to.include({ pause_collection: null, status: 'active' });
    });
  }
});
