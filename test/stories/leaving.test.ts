import { expect } from 'chai';
import type Stripe from 'stripe';
import type { Answer } from './support/member.ts';
import { planYear } from './support/plan-year.ts';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, MINUTE, monthsAfter } from './support/time.ts';
import { untilTrue } from './support/until.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

const PATH = '/api/stripe/subscription';

type Left = {
  status: string;
  stripe_status: string;
  cancel_at_period_end: boolean;
  premium_until: string | null;
  reference: string;
  debit_under_way: boolean;
};

function leftBy(answer: Answer): Left {
  expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  return answer.body.data as Left;
}

/** Everything that could still take money for a subscription. */
async function stillAsked(world: World, id: string): Promise<string[]> {
  const { data } = await world.stripe.invoices.list({ subscription: id, limit: 100 });
  return data.flatMap(({ status }) => (status === 'open' || status === 'draft' ? [String(status)] : []));
}

describe('Leaving', () => {
  it(
    'is seen by whoever asks right afterwards, with a number to keep that Stripe has too',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);

      // Neither an event nor a worker tells our rows before Stripe has it.
      world.sandbox.deliveries.hold();
      await world.queues.maintenance.pause();
      const order: string[] = [];
      const leaving = user.delete(PATH, { reason: 'too_expensive', comment: 'Trop cher pour moi' });
      void leaving.then(() => order.push('answered'));
      for (let ends = false; !ends; ) {
        ends = (await world.stripe.subscriptions.retrieve(id)).cancel_at_period_end;
      }
      order.push('worker comes back');
      await world.queues.maintenance.resume();
      const left = leftBy(await leaving);
      const seen = await user.subscription();
      world.sandbox.deliveries.release();

      expect(order).to.deep.equal(['worker comes back', 'answered']);
      expect(seen.subscription?.cancel_at_period_end).to.equal(true);
      expect(left).to.include({ premium_until: end.toISOString(), debit_under_way: false });
      const { metadata, cancellation_details: details } = await world.stripe.subscriptions.retrieve(id);
      expect(left.reference).to.match(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}$/);
      expect(metadata.cancellation_reference).to.equal(left.reference);
      expect(details).to.include({ feedback: 'too_expensive', comment: 'Trop cher pour moi' });
      expect(leftBy(await user.delete(PATH)).reference, 'asked twice').to.equal(left.reference);
      await world.settle();
      expect(user.news()).to.deep.equal(['premium_cancelled']);

      const gone = leftBy(await user.delete(PATH, { at_period_end: false }));
      expect((await user.subscription()).subscription?.stripe_status).to.equal('canceled');
      expect(gone).to.include({ reference: left.reference, premium_until: world.now.toISOString() });
    }),
  );

  it(
    'is answered though no worker is there to show it, with the same end',
    storyWith({ workers: 1 }, async (world) => {
      const { user, end } = await subscriber(world);
      for (const queue of Object.values(world.queues)) await queue.pause();

      const before = performance.now();
      const left = leftBy(await user.delete(PATH));

      expect(performance.now() - before).to.be.within(1_800, 4_000);
      expect(left).to.include({ premium_until: end.toISOString(), cancel_at_period_end: true });
      for (const queue of Object.values(world.queues)) await queue.resume();
      await world.settle();
      expect((await user.account()).ending).to.equal(true);
    }),
  );

  it(
    'says no more than Stripe takes',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      for (const body of [
        { reason: 'bored' },
        { reason: 1 },
        { comment: 'x'.repeat(501) },
        { comment: {} },
      ]) {
        expect((await user.delete(PATH, body)).status, JSON.stringify(body)).to.equal(400);
      }
      expect((await world.stripe.subscriptions.retrieve(id)).cancel_at_period_end).to.equal(false);
      expect((await user.delete(PATH, { comment: '  ' })).status).to.equal(200);
    }),
  );
});

describe('Leaving under a schedule', () => {
  it(
    'at the end of the period releases it first, and the change it had planned never comes',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      const { id: planned } = await planYear(world.stripe, id);
      await world.settle();

      const left = leftBy(await user.delete(PATH));

      expect(left).to.include({ cancel_at_period_end: true, premium_until: end.toISOString() });
      expect((await world.stripe.subscriptionSchedules.retrieve(planned)).status).to.equal('released');
      await world.advanceTo(end);
      await world.advance(2 * HOUR);
      expect(await user.account()).to.deep.include({
        status: 'canceled',
        payments: ['9.99 eur succeeded'],
      });
    }),
  );

  it(
    'at once ends it without a last bill',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      await planYear(world.stripe, id);
      await world.advance(10 * DAY);

      leftBy(await user.delete(PATH, { at_period_end: false }));
      await world.settle();

      expect(await user.account()).to.deep.include({ status: 'canceled', payments: ['9.99 eur succeeded'] });
      expect((await world.stripe.invoices.list({ subscription: id })).data).to.have.length(1);
      const { balance } = (await world.stripe.customers.retrieve(
        (
          await world.rows.subscription()
        ).stripeCustomerId,
      )) as Stripe.Customer;
      expect(balance).to.equal(0);
    }),
  );

  it(
    'that is attached between our look and our order is found by what Stripe says',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      const { id: attached } = await planYear(world.stripe, id);
      world.sandbox.faults.add({
        kind: 'error',
        status: 400,
        method: 'POST',
        path: `/v1/subscription_schedules/${attached}/release`,
        error: { type: 'invalid_request_error', message: 'This schedule cannot be released yet.' },
      });

      expect(leftBy(await user.delete(PATH)).cancel_at_period_end).to.equal(true);
      expect((await world.stripe.subscriptionSchedules.retrieve(attached)).status).to.equal('released');
    }),
  );

  it(
    'that ends it anyway leaves that end, and taking it back keeps the subscription',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      const made = await world.stripe.subscriptionSchedules.create({ from_subscription: id });
      await world.stripe.subscriptionSchedules.update(made.id, { end_behavior: 'cancel' });
      await world.settle();

      expect(leftBy(await user.delete(PATH)).premium_until).to.equal(end.toISOString());
      expect((await user.post(`${PATH}/resume`, {})).status).to.equal(200);

      expect((await user.subscription()).subscription?.cancel_at_period_end).to.equal(false);
      await world.advanceTo(end);
      await world.advance(2 * HOUR);
      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
    }),
  );
});

describe('Leaving while something is unpaid', () => {
  for (const atPeriodEnd of [true, false]) {
    it(
      `takes no retry's money afterwards, and names the end of what is paid (at_period_end ${atPeriodEnd})`,
      story(async (world) => {
        const { user, id, end, customer } = await subscriber(world, 'mensuel', 'failsLater');
        await world.advanceTo(end);
        await world.advance(DAY);
        expect((await user.account()).reason).to.equal('grace');

        const answer = await user.delete(PATH, { at_period_end: atPeriodEnd });

        const left = leftBy(answer);
        expect(left).to.include({ stripe_status: 'canceled', premium_until: end.toISOString() });
        expect(await stillAsked(world, id)).to.deep.equal([]);
        world.sandbox.setCard({ customer, card: 'succeeds' });
        await world.advance(30 * DAY, 5 * DAY);
        expect((await user.account()).payments).to.deep.equal(['9.99 eur canceled', '9.99 eur succeeded']);
        if (atPeriodEnd) expect(answer.body.message).to.match(/n'a pas été payée/);
      }),
    );

    it(
      `in the hour before a renewal is collected leaves no draft behind (at_period_end ${atPeriodEnd})`,
      story(async (world) => {
        const { user, id, end } = await subscriber(world);
        await world.advanceTo(end);
        await world.advance(20 * MINUTE);
        expect(await stillAsked(world, id)).to.deep.equal(['draft']);

        const left = leftBy(await user.delete(PATH, { at_period_end: atPeriodEnd }));

        expect(left).to.include({ stripe_status: 'canceled', premium_until: end.toISOString() });
        expect(await stillAsked(world, id)).to.deep.equal([]);
        await world.advance(5 * DAY);
        expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
        expect(user.news()).to.deep.equal(['premium_cancelled']);
      }),
    );
  }

  it(
    'of a period that is paid keeps it until its end',
    story(async (world) => {
      const { user, id, end, customer } = await subscriber(world);
      await world.advance(10 * DAY);
      world.sandbox.setCard({ customer, card: 'failsLater' });
      world.sandbox.changePlan({ subscription: id, price: PRICE_MENSUEL, proration: 'none' });

      const left = leftBy(await user.delete(PATH));

      expect(left).to.include({ stripe_status: 'active', premium_until: end.toISOString() });
    }),
  );

  it(
    'meets the payment half way: what was paid meanwhile is an answer',
    story(async (world) => {
      const { user, id, end, customer } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advanceTo(end);
      await world.advance(DAY);
      const { latest_invoice: invoice } = await world.stripe.subscriptions.retrieve(id);
      world.sandbox.faults.add({
        kind: 'delay',
        method: 'POST',
        path: `/v1/invoices/${invoice}/void`,
        delayMs: 300,
      });

      const leaving = user.delete(PATH, { at_period_end: false });
      await untilTrue(() => world.sandbox.faults.planned.length === 0);
      world.sandbox.setCard({ customer, card: 'succeeds' });
      world.sandbox.payInvoice({ invoice: String(invoice) });

      expect(leftBy(await leaving).stripe_status).to.equal('canceled');
      await world.settle();
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded', '9.99 eur succeeded']);
    }),
  );

  it(
    'leaves nothing pending for the next invoice, but what is the customer’s own',
    story(async (world) => {
      const { user, id, customer } = await subscriber(world);
      const extra = { currency: 'eur', unit_amount: 500, product_data: { name: 'Extra' } };
      const { id: price } = await world.stripe.prices.create(extra);
      await world.stripe.invoiceItems.create({ customer, subscription: id, pricing: { price } });
      const { id: other } = await world.stripe.invoiceItems.create({ customer, pricing: { price } });

      leftBy(await user.delete(PATH, { at_period_end: false }));

      const { data } = await world.stripe.invoiceItems.list({ customer, pending: true });
      expect(data.map((item) => item.id)).to.deep.equal([other]);
    }),
  );

  it(
    'cannot call a bank debit back: it counts as paid, and leaving at once says that it may still arrive',
    story(async (world) => {
      const { user, id } = await subscriber(world, 'mensuel', 'sepaSucceeds');
      expect(await stillAsked(world, id)).to.deep.equal(['open']);

      expect(leftBy(await user.delete(PATH))).to.include({ stripe_status: 'active', debit_under_way: false });
      const answer = await user.delete(PATH, { at_period_end: false });

      expect(leftBy(answer)).to.include({ stripe_status: 'canceled', debit_under_way: true });
      expect(answer.body.message).to.match(/prélèvement/);
      await world.advance(4 * DAY);
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
    }),
  );

  it(
    'is finished by the worker when Stripe goes away half way',
    story(async (world) => {
      const { user, id, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advanceTo(end);
      await world.advance(DAY);
      world.sandbox.faults.add({ kind: 'error', method: 'POST', path: '/v1/invoices/', times: 3 });

      expect(leftBy(await user.delete(PATH)).stripe_status).to.equal('canceled');
      await world.settle();

      expect(await stillAsked(world, id)).to.deep.equal([]);
      expect(await world.failedJobs('maintenance')).to.deep.equal([]);
    }),
  );
});

describe('Cancelling at Stripe, and the end of what is paid', () => {
  it(
    'agree when the account is looked at a second before and after',
    story(async (world) => {
      const { user, end } = await subscriber(world);
      await user.delete(PATH);
      await world.advanceTo(later(end, -1));
      expect((await user.account()).reason).to.equal('cancelled_until');
      await world.advance(1);
      expect((await user.account()).reason).to.equal('none');
    }),
  );
});
