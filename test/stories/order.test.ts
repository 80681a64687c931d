import { expect } from 'chai';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, MINUTE, monthsAfter } from './support/time.ts';

describe('Events out of order', () => {
  const FIRST_OF_A_PURCHASE = [
    ['invoice.paid'],
    ['invoice_payment.paid', 'invoice.payment_succeeded'],
    ['payment_intent.succeeded', 'checkout.session.completed'],
    ['customer.subscription.updated', 'customer.subscription.created'],
  ];
  for (const types of FIRST_OF_A_PURCHASE) {
    it(
      `make the same purchase when ${types.join(' and ')} come first`,
      story(async (world) => {
        const user = await world.member();
        const session = await user.beginCheckout('mensuel');
        world.sandbox.deliveries.hold();
        world.sandbox.completeCheckout({ session });

        await world.releaseFirst(...types);

        expect(await user.account()).to.deep.equal({
          reason: 'active',
          until: monthsAfter(world.now, 1),
          plan: 'mensuel',
          status: 'active',
          ending: false,
          payments: ['9.99 eur succeeded'],
        });
        expect((await world.rows.payment()).stripePaymentIntentId).to.match(/^pi_/);
        expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      }),
    );
  }

  it(
    'never revive a subscription that has ended',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      world.sandbox.deliveries.hold();
      world.sandbox.cancelAtPeriodEnd({ subscription: id });
      world.sandbox.resume({ subscription: id });
      await world.advance(MINUTE);
      world.sandbox.cancelNow({ subscription: id });
      const endedAt = world.now;

      await world.releaseFirst('customer.subscription.deleted');

      const ended = { reason: 'none', until: endedAt, status: 'canceled', ending: false };
      expect(await user.account()).to.deep.include(ended);
      expect(user.news()).to.deep.equal(['premium_cancelled']);

      await world.advance(DAY);
      const sent = new Set(world.sandbox.deliveries.list().map(({ event }) => event));
      for (const event of sent) world.sandbox.deliveries.resend(event);
      await world.settle();

      expect(await user.account()).to.deep.include(ended);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'of one second end as Stripe has it, whichever comes last',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      await world.advance(DAY);
      world.sandbox.deliveries.hold();
      world.sandbox.cancelAtPeriodEnd({ subscription: id });
      world.sandbox.resume({ subscription: id });

      world.sandbox.deliveries.release({ order: 'reverse' });
      await world.settle();

      expect(await user.account()).to.include({ reason: 'active', ending: false });
      expect(await world.rows.subscription()).to.include({ cancelAt: null });
    }),
  );

  it(
    'book a refund that comes before its payment',
    story(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout('mensuel');
      world.sandbox.deliveries.hold();
      const { session: paid } = world.sandbox.completeCheckout({ session });
      await world.advance(MINUTE);
      world.sandbox.refund({ of: String(paid.subscription), amount: 4_00 });

      await world.releaseFirst('refund.created', 'charge.refunded', 'refund.updated');

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded, 4 back']);
      expect(user.news()).to.deep.equal(['payment_refunded', 'payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'and doubled, from the purchase through a failed renewal to its recovery, end in the same books',
    story(async (world) => {
      world.sandbox.deliveries.setRules({ duplicates: 2 });
      const { user, customer, end } = await subscriber(world, 'mensuel', 'failsLater');
      world.sandbox.deliveries.hold();
      await world.advanceTo(end);
      world.sandbox.deliveries.release({ order: 'reverse' });
      await world.settle();
      world.sandbox.deliveries.hold();
      await world.advance(HOUR);
      world.sandbox.deliveries.release({ order: 'reverse' });
      await world.settle();
      expect(await user.account()).to.include({ reason: 'grace', status: 'past_due' });
      expect(user.news()).to.deep.equal(['payment_failed']);

      world.sandbox.deliveries.hold();
      world.sandbox.setCard({ customer, card: 'succeeds' });
      await world.advance(3 * DAY);
      world.sandbox.deliveries.release({ order: 'reverse' });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(end, 1),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      const payments = await world.rows.payments();
      expect(payments.map((payment) => payment.stripePaymentIntentId.slice(0, 3))).to.deep.equal([
        'pi_',
        'pi_',
      ]);
      expect(user.news().filter((type) => type === 'payment_succeeded')).to.have.length(1);
    }),
  );
});
