import { expect } from 'chai';
import type Stripe from 'stripe';
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
  YEARLY,
} from './support.ts';

const MONTH = 31 * DAY;

describe('sandbox: leaving', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop();
  });
  afterEach(() => shop.close());

  describe('a subscription schedule', () => {
    async function planned(): Promise<{ id: string; schedule: Stripe.SubscriptionSchedule }> {
      const { stripe } = shop;
      const { id } = await buy(shop);
      const made = await stripe.subscriptionSchedules.create({ from_subscription: id });
      const [current] = made.phases;
      const schedule = await stripe.subscriptionSchedules.update(made.id, {
        end_behavior: 'release',
        phases: [
          {
            items: [{ price: MONTHLY, quantity: 1 }],
            start_date: current?.start_date,
            end_date: current?.end_date,
          },
          {
            items: [{ price: YEARLY, quantity: 1 }],
            duration: { interval: 'year', interval_count: 1 },
            proration_behavior: 'none',
            billing_cycle_anchor: 'phase_start',
          },
        ],
      });
      return { id, schedule };
    }

    it('changes the plan with the period, for a whole new one, and lets go after its last phase', async () => {
      const { stripe, inbox } = shop;
      const { id, schedule } = await planned();
      expect((await stripe.subscriptions.retrieve(id)).schedule).to.equal(schedule.id);
      await pass(shop, MONTH + HOUR);
      expect(inbox.last('invoice.paid').data.object.total).to.equal(9999);
      const [item] = (await stripe.subscriptions.retrieve(id)).items.data;
      expect(item?.price.id).to.equal(YEARLY);
      expect(item?.current_period_start).to.equal(START + MONTH);
      expect(item?.current_period_end).to.equal(START + MONTH + 365 * DAY);
      await pass(shop, 366 * DAY);
      const over = await stripe.subscriptionSchedules.retrieve(schedule.id);
      expect(over).to.include({ status: 'released', subscription: null, released_subscription: id });
      expect((await stripe.subscriptions.retrieve(id)).schedule).to.equal(null);
      expect(inbox.types).to.include.members([
        'subscription_schedule.created',
        'subscription_schedule.updated',
        'subscription_schedule.released',
      ]);
    });

    it('keeps others from changing how the subscription ends, and is released once', async () => {
      const { stripe } = shop;
      const { id, schedule } = await planned();
      for (const params of [{ cancel_at_period_end: true }, { cancel_at: START + DAY }, { cancel_at: '' }]) {
        const refused = await errorOf(
          stripe.subscriptions.update(id, params as Stripe.SubscriptionUpdateParams),
        );
        expect(refused.message).to.contain(`managed by the subscription schedule \`${schedule.id}\``);
        expect(refused.code).to.equal(undefined);
      }
      await stripe.subscriptionSchedules.release(schedule.id);
      await errorOf(stripe.subscriptionSchedules.release(schedule.id));
      expect((await stripe.subscriptions.update(id, { cancel_at_period_end: true })).cancel_at_period_end).to
        .be.true;
    });

    it('bills when it is canceled itself, which a subscription does not', async () => {
      const { stripe, inbox } = shop;
      const { id, schedule } = await planned();
      await pass(shop, 15.5 * DAY);
      await stripe.subscriptionSchedules.cancel(schedule.id);
      await shop.sandbox.deliveries.idle();
      const { status, customer } = await stripe.subscriptions.retrieve(id);
      expect(status).to.equal('canceled');
      expect(inbox.last('invoice.created').data.object.total).to.equal(-500);
      expect(await stripe.customers.retrieve(idOf(customer))).to.include({ balance: -500 });
      expect(inbox.types).to.include('subscription_schedule.canceled');
    });

    it('that is to end its subscription says so in its last phase only', async () => {
      const { stripe } = shop;
      const { id, schedule } = await planned();
      await stripe.subscriptionSchedules.update(schedule.id, { end_behavior: 'cancel' });
      expect((await stripe.subscriptions.retrieve(id)).cancel_at).to.equal(null);
      await pass(shop, MONTH);
      expect((await stripe.subscriptions.retrieve(id)).cancel_at).to.equal(START + MONTH + 365 * DAY);
      await stripe.subscriptionSchedules.update(schedule.id, { end_behavior: 'release' });
      expect((await stripe.subscriptions.retrieve(id)).cancel_at).to.equal(null);
      await stripe.subscriptionSchedules.update(schedule.id, { end_behavior: 'cancel' });
      await pass(shop, 365 * DAY);
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('canceled');
      expect((await stripe.subscriptionSchedules.retrieve(schedule.id)).status).to.equal('completed');
    });

    it('may begin later, and is listed until it does', async () => {
      const { stripe } = shop;
      const customer = await stripe.customers.create({
        payment_method: 'pm_card_visa',
        invoice_settings: { default_payment_method: 'pm_card_visa' },
      });
      const { id } = await stripe.subscriptionSchedules.create({
        customer: customer.id,
        start_date: START + DAY,
        phases: [
          { items: [{ price: MONTHLY, quantity: 1 }], duration: { interval: 'month', interval_count: 1 } },
        ],
      });
      const waiting = { customer: customer.id, scheduled: true };
      expect((await stripe.subscriptionSchedules.list(waiting)).data.map((each) => each.id)).to.deep.equal([
        id,
      ]);
      await pass(shop, DAY);
      const begun = await stripe.subscriptionSchedules.retrieve(id);
      expect(begun.status).to.equal('active');
      expect((await stripe.subscriptions.retrieve(idOf(begun.subscription))).status).to.equal('active');
      expect((await stripe.subscriptionSchedules.list(waiting)).data).to.deep.equal([]);
    });

    it('is made of a subscription alone, and only of one without', async () => {
      const { stripe } = shop;
      const { id } = await planned();
      await errorOf(stripe.subscriptionSchedules.create({ from_subscription: id }));
      const { id: other } = await buy(shop);
      await errorOf(
        stripe.subscriptionSchedules.create({ from_subscription: other, end_behavior: 'cancel' }),
      );
      await stripe.subscriptions.pause(other);
      await errorOf(stripe.subscriptionSchedules.create({ from_subscription: other }));
      expect((await errorOf(stripe.subscriptions.pause(id))).message).to.contain('schedule');
    });
  });

  describe('an unpaid invoice', () => {
    async function pastDue(): Promise<{ id: string; invoice: string }> {
      const { id } = await buy(shop, { card: 'failsLater' });
      await pass(shop, MONTH + HOUR);
      const { status, latest_invoice: invoice } = await shop.stripe.subscriptions.retrieve(id);
      expect(status).to.equal('past_due');
      return { id, invoice: idOf(invoice) };
    }

    it('that is voided makes a running subscription active again, and an ended one no more', async () => {
      const { stripe } = shop;
      const { id, invoice } = await pastDue();
      await stripe.invoices.voidInvoice(invoice);
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');

      const other = await pastDue();
      await stripe.subscriptions.cancel(other.id);
      await stripe.invoices.voidInvoice(other.invoice);
      expect((await stripe.subscriptions.retrieve(other.id)).status).to.equal('canceled');
    });

    it('that is the first one ends an incomplete subscription', async () => {
      const { stripe } = shop;
      const { id: customer } = await stripe.customers.create();
      const items = [{ price: MONTHLY }];
      const { id, latest_invoice: invoice } = await stripe.subscriptions.create({
        customer,
        items,
        payment_behavior: 'default_incomplete',
      });
      await stripe.invoices.voidInvoice(idOf(invoice));
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('incomplete_expired');
    });

    it('that is written off makes a subscription active as well', async () => {
      const { stripe } = shop;
      const { id, invoice } = await pastDue();
      expect((await stripe.invoices.markUncollectible(invoice)).status).to.equal('uncollectible');
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    });

    it('is left as it is by canceling, but no longer collected', async () => {
      const { stripe } = shop;
      const { id, invoice } = await pastDue();
      await stripe.subscriptions.cancel(id);
      expect(await stripe.invoices.retrieve(invoice)).to.include({
        status: 'open',
        auto_advance: false,
        next_payment_attempt: null,
      });
    });

    it('cannot be voided as a draft or while a debit is under way, and is finalised without being charged', async () => {
      const { stripe } = shop;
      const { id } = await buy(shop);
      await pass(shop, MONTH);
      const draft = idOf((await stripe.subscriptions.retrieve(id)).latest_invoice);
      await errorOf(stripe.invoices.voidInvoice(draft));
      const open = await stripe.invoices.finalizeInvoice(draft, { auto_advance: false });
      expect(open).to.include({ status: 'open', auto_advance: false });
      await pass(shop, 2 * HOUR);
      expect((await stripe.invoices.retrieve(draft)).status).to.equal('open');

      const sepa = await buy(shop, { card: 'sepaSucceeds' });
      const processing = idOf(sepa.latest_invoice);
      expect((await errorOf(stripe.invoices.voidInvoice(processing))).message).to.contain('processing');
    });

    it('of pending items: prorations go with their subscription, others wait for the next invoice', async () => {
      const { stripe } = shop;
      const { id, customer } = await buy(shop);
      const who = idOf(customer);
      const { id: price } = await stripe.prices.create({
        currency: 'eur',
        unit_amount: 500,
        product_data: { name: 'Extra' },
      });
      await stripe.invoiceItems.create({ customer: who, subscription: id, pricing: { price } });
      await pass(shop, DAY);
      await stripe.subscriptions.pause(id);
      const pending = async () => (await stripe.invoiceItems.list({ customer: who, pending: true })).data;
      expect((await pending()).map((item) => item.proration)).to.deep.equal([true, false]);
      await stripe.subscriptions.cancel(id);
      expect((await pending()).map((item) => item.proration)).to.deep.equal([false]);
      shop.sandbox.setCard({ customer: who, card: 'succeeds' });
      const next = await stripe.subscriptions.create({ customer: who, items: [{ price: MONTHLY }] });
      expect((await stripe.invoices.createPreview({ subscription: next.id })).total).to.equal(1499);
    });
  });

  describe('a paused subscription', () => {
    async function paused(card = 'succeeds'): Promise<{ id: string; customer: string }> {
      const { id, customer } = await buy(shop);
      await shop.stripe.subscriptions.pause(id, { bill_for: { unused_time_from: { type: 'none' } } });
      shop.sandbox.setCard({ customer: idOf(customer), card });
      return { id, customer: idOf(customer) };
    }

    it('has no renewals, and is resumed by the attempt to pay and not before', async () => {
      const { stripe, inbox } = shop;
      const { id } = await paused();
      await pass(shop, 3 * MONTH);
      expect(inbox.types).not.to.include('invoice.created');
      const begun = await stripe.subscriptions.resume(id);
      expect(begun.status).to.equal('paused');
      await errorOf(stripe.subscriptions.resume(id));
      await stripe.invoices.pay(idOf(begun.latest_invoice));
      const { status, items } = await stripe.subscriptions.retrieve(id);
      expect(status).to.equal('active');
      expect(items.data[0]?.current_period_start).to.equal(START + 3 * MONTH);
      await shop.sandbox.deliveries.idle();
      expect(inbox.count('customer.subscription.resumed')).to.equal(1);
    });

    it('is past due after a refused payment, without retries', async () => {
      const { stripe } = shop;
      const { id } = await paused('declined');
      const { latest_invoice: invoice } = await stripe.subscriptions.resume(id);
      await errorOf(stripe.invoices.pay(idOf(invoice)));
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('past_due');
      expect((await stripe.invoices.retrieve(idOf(invoice))).next_payment_attempt).to.equal(null);
      await pass(shop, 10 * DAY);
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('past_due');
    });

    it('stays paused when nobody pays within 23 hours, or the invoice is voided', async () => {
      const { stripe } = shop;
      const { id } = await paused();
      const first = idOf((await stripe.subscriptions.resume(id)).latest_invoice);
      await pass(shop, 23 * HOUR);
      expect((await stripe.invoices.retrieve(first)).status).to.equal('void');
      const second = idOf((await stripe.subscriptions.resume(id)).latest_invoice);
      await stripe.invoices.voidInvoice(second);
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('paused');
    });

    it('stays paused until it is paid when told so', async () => {
      const { stripe, sandbox } = shop;
      const { id, customer } = await paused('declined');
      const { latest_invoice: invoice } = await stripe.subscriptions.resume(id, {
        payment_behavior: 'resume_on_payment_success',
      });
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('paused');
      sandbox.setCard({ customer, card: 'succeeds' });
      sandbox.payInvoice({ invoice: idOf(invoice) });
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    });

    it('is active at once with nothing to pay', async () => {
      const { stripe } = shop;
      const { id } = await paused();
      const resumed = await stripe.subscriptions.resume(id, { billing_cycle_anchor: { type: 'unchanged' } });
      expect(resumed.status).to.equal('active');
    });
  });

  it('keeps what people say when they leave', async () => {
    const { stripe } = shop;
    const { id } = await buy(shop);
    const details = { feedback: 'unused', comment: 'Merci' } as const;
    const params = { cancel_at_period_end: true, cancellation_details: details };
    expect((await stripe.subscriptions.update(id, params)).cancellation_details).to.include(details);
    const ended = await stripe.subscriptions.cancel(id);
    expect(ended.cancellation_details).to.include({ ...details, reason: 'cancellation_requested' });
    await errorOf(
      stripe.subscriptions.update(id, { cancellation_details: { feedback: 'bored' } }) as Promise<unknown>,
    );
  });

  it('refuses e-mail addresses, second currencies and deep expansion in Stripe’s words', async () => {
    const { stripe } = shop;
    for (const email of [' a@b.fr', 'x＠icloud.com', `${'a'.repeat(510)}@b.fr`]) {
      expect(await errorOf(stripe.customers.create({ email }))).to.include({
        code: 'email_invalid',
        param: 'email',
      });
    }
    const { id, customer } = await buy(shop);
    const { id: price } = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 999,
      recurring: { interval: 'month' },
      product_data: { name: 'Elsewhere' },
    });
    const dollars = { customer: idOf(customer), line_items: [{ price, quantity: 1 }] };
    const refused = await errorOf(openSession(shop, dollars));
    expect(refused.message).to.match(/^You cannot combine currencies on a single customer\./);
    expect(refused.code).to.equal(undefined);
    await stripe.subscriptions.cancel(id);
    await openSession(shop, dollars);
    const deep = { expand: ['latest_invoice.payments.data.payment.payment_intent'] };
    expect((await errorOf(stripe.subscriptions.retrieve(id, deep))).message).to.contain('more than 4 levels');
  });
});
