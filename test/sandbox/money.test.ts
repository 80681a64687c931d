import { expect } from 'chai';
import type Stripe from 'stripe';
import { buy, errorOf, openShop, type Shop } from './support.ts';

describe('sandbox: refunds and disputes', () => {
  let shop: Shop;
  let charge: Stripe.Charge;
  beforeEach(async () => {
    shop = await openShop();
    await buy(shop);
    const [found] = (await shop.stripe.charges.list()).data;
    if (!found) throw new Error('nothing was charged');
    charge = found;
  });
  afterEach(() => shop.close());

  it('refunds a part, then the rest, and no more', async () => {
    const { stripe, sandbox, inbox } = shop;
    const part = await stripe.refunds.create({ charge: charge.id, amount: 400 });
    expect(part).to.include({ status: 'succeeded', amount: 400, payment_intent: charge.payment_intent });
    await sandbox.deliveries.idle();
    expect(inbox.types).to.deep.equal([
      'refund.created',
      'charge.refunded',
      'refund.updated',
      'charge.refund.updated',
    ]);
    const refunded = inbox.last('charge.refunded');
    expect(refunded.data.object).to.include({ amount_refunded: 400, refunded: false });
    expect(refunded.data.previous_attributes).to.deep.equal({ amount_refunded: 0 });
    expect((await errorOf(stripe.refunds.create({ charge: charge.id, amount: 600 }))).code).to.equal(
      'amount_too_large',
    );
    const intent = String(charge.payment_intent);
    expect((await stripe.refunds.create({ payment_intent: intent })).amount).to.equal(599);
    expect(await stripe.charges.retrieve(charge.id)).to.include({ amount_refunded: 999, refunded: true });
    expect((await errorOf(stripe.refunds.create({ charge: charge.id }))).code).to.equal(
      'charge_already_refunded',
    );
    const listed = await stripe.refunds.list({ charge: charge.id });
    expect(listed.data.map((each) => each.amount)).to.deep.equal([599, 400]);
  });

  it('lets a refund that had succeeded fail', async () => {
    const { sandbox, stripe, inbox } = shop;
    const refund = sandbox.refund({ of: charge.id });
    sandbox.failRefund({ refund: refund.id });
    await sandbox.deliveries.idle();
    expect(inbox.last('refund.failed').data.object).to.include({ id: refund.id, status: 'failed' });
    expect(await stripe.charges.retrieve(charge.id)).to.include({ amount_refunded: 0, refunded: false });
  });

  for (const outcome of ['won', 'lost'] as const) {
    it(`withdraws the money of a dispute that is then ${outcome}`, async () => {
      const { sandbox, stripe, inbox } = shop;
      const dispute = sandbox.openDispute({ of: charge.id, reason: 'product_not_received' });
      expect((await stripe.charges.retrieve(charge.id)).disputed).to.equal(true);
      sandbox.closeDispute({ dispute: dispute.id, outcome });
      await sandbox.deliveries.idle();
      expect(inbox.types).to.deep.equal([
        'charge.updated',
        'charge.dispute.created',
        'charge.dispute.funds_withdrawn',
        'charge.dispute.closed',
        ...(outcome === 'won' ? ['charge.dispute.funds_reinstated'] : []),
      ]);
      const final = await stripe.disputes.retrieve(dispute.id);
      expect(final.status).to.equal(outcome);
      const net = final.balance_transactions.reduce((sum, each) => sum + each.net, 0);
      expect(net).to.equal(outcome === 'won' ? 0 : -999 - 2000);
    });
  }

  it('leaves nothing to dispute of a charge that was declined', async () => {
    const { stripe, sandbox } = shop;
    await errorOf(
      stripe.paymentIntents.create({
        amount: 500,
        currency: 'eur',
        confirm: true,
        payment_method: 'pm_card_chargeDeclined',
      }),
    );
    const [declined] = (await stripe.charges.list()).data;
    expect(declined?.status).to.equal('failed');
    expect(() => sandbox.openDispute({ of: declined?.id ?? '' })).to.throw('cannot be disputed');
    expect((await stripe.charges.retrieve(declined?.id ?? '')).disputed).to.equal(false);
  });

  it('moves no money for an inquiry', async () => {
    const { sandbox, inbox } = shop;
    const dispute = sandbox.openDispute({ of: charge.id, inquiry: true });
    sandbox.closeDispute({ dispute: dispute.id, outcome: 'won' });
    await sandbox.deliveries.idle();
    expect(inbox.last('charge.dispute.created').data.object.status).to.equal('warning_needs_response');
    expect(inbox.last('charge.dispute.closed').data.object.status).to.equal('warning_closed');
    expect(inbox.types).not.to.include('charge.dispute.funds_withdrawn');
  });

  it('takes a one-off payment', async () => {
    const { stripe } = shop;
    const intent = await stripe.paymentIntents.create({
      amount: 500,
      currency: 'jpy',
      confirm: true,
      payment_method: 'pm_card_visa',
      expand: ['latest_charge.balance_transaction'],
    });
    expect(intent.status).to.equal('succeeded');
    expect(intent.latest_charge).to.have.nested.property('balance_transaction.amount', 500);
    const declined = stripe.paymentIntents.create({
      amount: 500,
      currency: 'jpy',
      confirm: true,
      payment_method: 'pm_card_chargeDeclined',
    });
    const error = await errorOf(declined);
    expect(error).to.include({ type: 'StripeCardError', decline_code: 'generic_decline' });
    expect(error.payment_intent?.status).to.equal('requires_payment_method');
  });
});
