import { expect } from 'chai';
import { buy, DAY, errorOf, HOUR, idOf, MONTHLY, openShop, pass, type Shop, START } from './support.ts';

/** 15 January to 15 February. */
const MONTH = 31 * DAY;

describe('sandbox: payments and renewals that take time', () => {
  let shop: Shop;
  afterEach(() => shop.close());

  it('leaves a renewal by debit open and tried while the bank has it', async () => {
    shop = await openShop();
    const { inbox, stripe } = shop;
    const { id } = await buy(shop, { card: 'sepaSucceeds' });
    await pass(shop, MONTH);
    inbox.clear();
    await pass(shop, HOUR);
    expect(inbox.types).to.include.members(['invoice.finalized', 'payment_intent.processing']);
    expect(inbox.types).not.to.include('invoice.payment_failed');
    const [invoice] = (await stripe.invoices.list({ subscription: id, limit: 1 })).data;
    expect(invoice).to.include({
      status: 'open',
      attempted: true,
      attempt_count: 1,
      next_payment_attempt: null,
    });
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    await pass(shop, 3 * DAY);
    expect(inbox.last('invoice.paid').data.object).to.include({ attempt_count: 1, status: 'paid' });
  });

  it('does not retry a debit that failed, nor give up for it', async () => {
    shop = await openShop();
    const { inbox, stripe } = shop;
    const { id } = await buy(shop, { card: 'sepaFailsLater' });
    await pass(shop, MONTH + HOUR + 3 * DAY);
    expect(inbox.last('invoice.payment_failed').data.object).to.include({
      attempt_count: 1,
      next_payment_attempt: null,
    });
    await pass(shop, 20 * DAY);
    expect(inbox.count('invoice.payment_failed')).to.equal(1);
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('past_due');
  });

  for (const announcesFirstDebitFailure of [true, false]) {
    const how = announcesFirstDebitFailure ? 'a failure first' : 'nothing else';
    it(`voids the invoice of a first debit that failed, says ${how}, and goes on as active`, async () => {
      shop = await openShop({ billing: { announcesFirstDebitFailure } });
      const { inbox, stripe } = shop;
      const { id, latest_invoice: invoice } = await buy(shop, { card: 'sepaFails' });
      await pass(shop, 3 * DAY);
      expect(inbox.last('invoice.voided').data.object.id).to.equal(idOf(invoice));
      expect(inbox.count('invoice.payment_failed')).to.equal(announcesFirstDebitFailure ? 1 : 0);
      expect(inbox.types).to.include('payment_intent.payment_failed');
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    });
  }

  it('settles a debit when the bank is told to', async () => {
    shop = await openShop();
    const { inbox, sandbox, stripe } = shop;
    const { id } = await buy(shop, { card: 'sepaSucceeds' });
    await pass(shop, MONTH + HOUR);
    const { latest_invoice: invoice } = await stripe.subscriptions.retrieve(id);
    sandbox.settlePayment({ invoice: idOf(invoice), succeeds: false });
    await pass(shop, 20 * DAY);
    expect(inbox.count('invoice.payment_failed')).to.equal(1);
    expect((await stripe.invoices.retrieve(idOf(invoice))).status).to.equal('open');
  });

  it('holds drafts for as long as it is told, and no longer than that', async () => {
    shop = await openShop();
    const { inbox, sandbox, stripe } = shop;
    const { id } = await buy(shop);
    sandbox.holdDrafts({ seconds: 72 * HOUR });
    await pass(shop, MONTH + 71 * HOUR);
    expect(inbox.types).not.to.include('invoice.finalized');
    const [draft] = (await stripe.invoices.list({ subscription: id, limit: 1 })).data;
    expect(draft).to.include({ status: 'draft', automatically_finalizes_at: START + MONTH + 72 * HOUR });
    await pass(shop, HOUR);
    expect(inbox.last('invoice.paid').created).to.equal(START + MONTH + 72 * HOUR);
    sandbox.holdDrafts({});
    inbox.clear();
    await pass(shop, MONTH);
    expect(inbox.types).to.include('invoice.paid');
  });

  it('keeps a draft that cannot be finalised, says so once, and lets it be finalised by hand', async () => {
    shop = await openShop();
    const { inbox, sandbox, stripe } = shop;
    const { id } = await buy(shop);
    sandbox.loseTaxAddress({ subscription: id, outcome: 'fails_finalization' });
    await pass(shop, MONTH + 10 * DAY);
    const failed = inbox.last('invoice.finalization_failed').data.object;
    expect(failed).to.include({ status: 'draft', automatically_finalizes_at: null });
    expect(failed.last_finalization_error?.code).to.equal('customer_tax_location_invalid');
    expect(inbox.count('invoice.finalization_failed')).to.equal(1);
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    expect((await stripe.invoices.pay(failed.id ?? '')).status).to.equal('paid');
  });

  it('charges without tax where there is no address, and switches tax off with an update only', async () => {
    shop = await openShop();
    const { inbox, sandbox, stripe } = shop;
    const { id } = await buy(shop, { params: { automatic_tax: { enabled: true } } });
    sandbox.loseTaxAddress({ subscription: id, outcome: 'switches_tax_off' });
    await pass(shop, MONTH + HOUR);
    expect(inbox.types).not.to.include('invoice.finalization_failed');
    expect(inbox.last('invoice.paid').data.object.total_taxes).to.deep.equal([]);
    const { automatic_tax: tax } = inbox.last('customer.subscription.updated').data.object;
    expect(tax).to.include({ enabled: false, disabled_reason: 'requires_location_inputs' });
    expect((await stripe.subscriptions.retrieve(id)).automatic_tax.enabled).to.equal(false);
  });

  for (const billingMode of ['classic', 'flexible'] as const) {
    it(`gives days as a trial to a subscription that runs (${billingMode})`, async () => {
      shop = await openShop({ billing: { billingMode } });
      const { inbox, stripe } = shop;
      const { id } = await buy(shop);
      await pass(shop, 10 * DAY);
      const end = START + 60 * DAY;
      const given = await stripe.subscriptions.update(id, { trial_end: end, proration_behavior: 'none' });
      expect(given).to.include({ status: 'trialing', trial_end: end, billing_cycle_anchor: end });
      expect(given.items.data[0]).to.include({
        current_period_start: START + 10 * DAY,
        current_period_end: end,
      });
      await shop.sandbox.deliveries.idle();
      expect(inbox.count('invoice.paid')).to.equal(billingMode === 'classic' ? 1 : 0);
      if (billingMode === 'classic') {
        const nothing = inbox.last('invoice.paid').data.object;
        expect(nothing).to.include({ total: 0, billing_reason: 'subscription_update' });
        expect(nothing.lines.data[0]?.period).to.deep.equal({ start: START + 10 * DAY, end });
      }
      inbox.clear();
      await pass(shop, 46 * DAY);
      expect(inbox.types, 'at the old renewal').not.to.include('invoice.created');
      await pass(shop, DAY);
      expect(inbox.types).to.include('customer.subscription.trial_will_end');
      await pass(shop, 3 * DAY + HOUR);
      expect(inbox.last('invoice.paid').data.object).to.include({
        total: 999,
        billing_reason: 'subscription_cycle',
      });
      expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
    });
  }

  it('credits what was paid for when days are given without saying otherwise', async () => {
    shop = await openShop({ billing: { billingMode: 'classic' } });
    const { stripe } = shop;
    const { id, customer } = await buy(shop);
    await stripe.subscriptions.update(id, { trial_end: START + 60 * DAY });
    expect(await stripe.customers.retrieve(idOf(customer))).to.include({ balance: -999 });
  });

  it('makes a trial shorter, and says at once that it ends', async () => {
    shop = await openShop();
    const { inbox, stripe } = shop;
    const { id } = await buy(shop, { params: { subscription_data: { trial_period_days: 30 } } });
    await pass(shop, DAY);
    await stripe.subscriptions.update(id, { trial_end: START + 3 * DAY });
    await shop.sandbox.deliveries.idle();
    expect(inbox.last('customer.subscription.trial_will_end').created).to.equal(START + DAY);
    await pass(shop, 2 * DAY + HOUR);
    expect(inbox.last('invoice.paid').data.object.total).to.equal(999);
  });

  it('refuses a trial that ends in the past, after two years, or of a subscription that is over', async () => {
    shop = await openShop();
    const { stripe, sandbox } = shop;
    const { id, customer } = await buy(shop);
    const refusals = [
      stripe.subscriptions.update(id, { trial_end: START - DAY }),
      stripe.subscriptions.update(id, { trial_end: START + 800 * DAY }),
    ];
    expect((await Promise.all(refusals.map(errorOf))).map((error) => error.param)).to.deep.equal([
      'trial_end',
      'trial_end',
    ]);
    const waiting = await stripe.subscriptions.create({
      customer: idOf(customer),
      items: [{ price: MONTHLY }],
      payment_behavior: 'default_incomplete',
    });
    expect(
      (await errorOf(stripe.subscriptions.update(waiting.id, { trial_end: START + DAY }))).param,
    ).to.equal('trial_end');
    sandbox.cancelNow({ subscription: id });
    expect((await errorOf(stripe.subscriptions.update(id, { trial_end: START + DAY }))).statusCode).to.equal(
      400,
    );
  });
});
