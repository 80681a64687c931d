import { expect } from 'chai';
import { NEWEST_VERSION } from '../../sandbox/index.ts';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, MINUTE, monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

const VERSIONS = ['2020-03-02', '2022-11-15', '2024-06-20', '2025-03-31.basil', NEWEST_VERSION];

/** Pays an open invoice with an intent of its own, beside the one that Stripe made for it. */
async function payBeside(world: World, invoice: string, customer: string, amount: number): Promise<string> {
  const intent = await world.stripe.paymentIntents.create({
    amount,
    currency: 'eur',
    customer,
    payment_method: 'pm_card_visa',
    confirm: true,
  });
  await world.stripe.invoices.attachPayment(invoice, { payment_intent: intent.id });
  return intent.id;
}

async function openInvoice(world: World): Promise<string> {
  const { data } = await world.stripe.invoices.list({ status: 'open' });
  return String(data[0]?.id);
}

describe('An invoice that another intent paid than the one that failed', () => {
  const ORDERS: Readonly<Record<string, readonly string[]>> = {
    'as it happened': [],
    'with the failure last': ['payment_intent.succeeded', 'invoice_payment.paid', 'invoice.paid'],
    'with the invoice first': ['invoice.paid', 'payment_intent.canceled', 'invoice_payment.paid'],
    'with the end of the failed one first': ['payment_intent.canceled', 'payment_intent.succeeded'],
    'with the link first': ['invoice_payment.paid', 'payment_intent.canceled', 'invoice.paid'],
  };
  for (const apiVersion of VERSIONS) {
    for (const [order, types] of Object.entries(ORDERS)) {
      it(
        `is one payment, heard of ${order} (${apiVersion})`,
        storyWith({ apiVersion, sandbox: { apiVersion } }, async (world) => {
          const { user, customer, end } = await subscriber(world, 'mensuel', 'failsLater');
          await world.advanceTo(end);
          world.sandbox.deliveries.hold();
          await world.sandbox.advance(HOUR);
          const paying = await payBeside(world, await openInvoice(world), customer, 999);

          await world.releaseFirst(...types);

          const rows = await world.rows.payments();
          expect(rows.map((row) => [row.stripePaymentIntentId, row.status])).to.deep.equal([
            [rows[0]?.stripePaymentIntentId, 'succeeded'],
            [paying, 'succeeded'],
          ]);
          expect(rows[1]).to.include({ nextAttemptAt: null, invoiceStatus: 'paid' });
          expect(await user.account()).to.deep.include({
            reason: 'active',
            until: monthsAfter(end, 1),
            payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
          });

          await world.advance(MINUTE);
          world.sandbox.refund({ of: paying });
          await world.settle();
          expect((await user.account()).payments[0]).to.equal('9.99 eur succeeded, 9.99 back');
        }),
      );
    }
  }

  for (const apiVersion of ['2022-11-15', NEWEST_VERSION]) {
    it(
      `in parts is as many payments, each with its part (${apiVersion})`,
      storyWith({ apiVersion, sandbox: { apiVersion }, env: { PREMIUM_ON_REFUND: 'end' } }, async (world) => {
        const { user, customer, end } = await subscriber(world, 'mensuel', 'failsLater');
        await world.advanceTo(end);
        await world.advance(HOUR);
        const invoice = await openInvoice(world);
        world.sandbox.deliveries.hold();
        const first = await payBeside(world, invoice, customer, 400);
        const second = await payBeside(world, invoice, customer, 599);
        world.sandbox.deliveries.release({ order: 'reverse' });
        await world.settle();

        const parts = (await user.account()).payments.slice(0, 2).sort();
        expect(parts).to.deep.equal(['4 eur succeeded', '5.99 eur succeeded']);
        await world.advance(MINUTE);

        world.sandbox.refund({ of: first });
        await world.settle();
        expect((await user.account()).reason, 'one part of two went back').to.equal('active');
        await world.advance(MINUTE);
        world.sandbox.refund({ of: second });
        await world.settle();
        expect((await user.account()).reason, 'both parts went back').to.equal('none');
      }),
    );
  }
});

describe('An invoice of more than ten lines', () => {
  for (const apiVersion of ['2020-03-02', '2024-06-20', NEWEST_VERSION]) {
    it(
      `is read to its last line, which is the month that was paid (${apiVersion})`,
      storyWith({ apiVersion, sandbox: { apiVersion } }, async (world) => {
        const { user, id, end } = await subscriber(world);
        const { product } = await world.stripe.prices.retrieve(PRICE_MENSUEL);
        const other = await world.stripe.prices.create({
          currency: 'eur',
          unit_amount: 7_99,
          recurring: { interval: 'month' },
          product: String(product),
        });
        for (let change = 0; change < 6; change++) {
          await world.advance(DAY);
          world.sandbox.changePlan({ subscription: id, price: change % 2 === 0 ? other.id : PRICE_MENSUEL });
        }
        await world.settle();

        await world.advanceTo(end);
        await world.advance(HOUR);

        const { data } = await world.stripe.events.list({ type: 'invoice.paid' });
        expect(data[0]?.data.object).to.have.nested.property('lines.has_more', true);
        expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
        expect(await world.rows.subscription()).to.deep.include({ paidUntil: monthsAfter(end, 1) });
      }),
    );
  }
});

describe('A subscription that sells other things along', () => {
  it(
    'is premium for what its premium pays, whichever item that is',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      const items: { price: string }[] = [];
      for (let extra = 0; extra < 11; extra++) {
        const { id } = await world.stripe.prices.create({
          currency: 'eur',
          unit_amount: 1_00 + extra,
          recurring: { interval: 'month' },
          product_data: { name: `Supplément ${extra}` },
        });
        items.push({ price: id });
      }
      const method = await world.stripe.paymentMethods.attach('pm_card_visa', { customer });
      await world.stripe.subscriptions.create({
        customer,
        items: [...items, { price: PRICE_MENSUEL }],
        default_payment_method: method.id,
      });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(world.now, 1),
        plan: 'mensuel',
      });
      expect(await world.rows.subscription()).to.include({ stripePriceId: PRICE_MENSUEL });
    }),
  );
});

describe('Several disputes of one charge, where they suspend premium,', () => {
  const suspends = storyWith.bind(null, { env: { PREMIUM_ON_DISPUTE: 'suspend' } });

  it(
    'count together: one that is won gives nothing back of what another took',
    suspends(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.advance(DAY);
      const openedAt = world.now;
      const lost = world.sandbox.openDispute({ of: id, amount: 500 });
      await world.advance(DAY);
      const won = world.sandbox.openDispute({ of: id, amount: 499 });
      await world.advance(DAY);
      world.sandbox.closeDispute({ dispute: lost.id, outcome: 'lost' });
      await world.advance(DAY);
      world.sandbox.closeDispute({ dispute: won.id, outcome: 'won' });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: openedAt });
      expect(await world.rows.payment()).to.include({ disputeStatus: 'lost' });

      await world.advanceTo(end);
      await world.advance(HOUR);
      expect((await user.account()).reason).to.equal('active');
    }),
  );

  for (const order of ['reverse', 'shuffle'] as const) {
    it(
      `end the same in another order (${order})`,
      suspends(async (world) => {
        const { user, id } = await subscriber(world);
        await world.advance(DAY);
        world.sandbox.deliveries.hold();
        const openedAt = world.now;
        const lost = world.sandbox.openDispute({ of: id, amount: 500 });
        await world.sandbox.advance(DAY);
        const won = world.sandbox.openDispute({ of: id, amount: 499 });
        await world.sandbox.advance(DAY);
        world.sandbox.closeDispute({ dispute: lost.id, outcome: 'lost' });
        world.sandbox.closeDispute({ dispute: won.id, outcome: 'won' });

        world.sandbox.deliveries.release({ order });
        await world.settle();

        expect(await user.account()).to.deep.include({ reason: 'none', until: openedAt });
        expect(await world.rows.payment()).to.include({ disputeStatus: 'lost' });
      }),
    );
  }

  it(
    'give premium back once all are won',
    suspends(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.advance(DAY);
      const disputes = [world.sandbox.openDispute({ of: id }), world.sandbox.openDispute({ of: id })];
      await world.settle();
      for (const { id: dispute } of disputes) {
        expect((await user.account()).reason).to.equal('none');
        await world.advance(DAY);
        world.sandbox.closeDispute({ dispute, outcome: 'won' });
        await world.settle();
      }

      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
    }),
  );
});
