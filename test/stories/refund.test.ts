import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, MINUTE, monthsAfter } from './support/time.ts';

const endsPremium = storyWith.bind(null, { env: { PREMIUM_ON_REFUND: 'end' } });

describe('A refund', () => {
  it(
    'in full is told once and leaves premium alone',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.advance(DAY);

      world.sandbox.refund({ of: id });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded, 9.99 back'],
      });
      expect(await world.rows.payment()).to.include({ status: 'succeeded', amountRefunded: 999 });
      expect(user.news()).to.deep.equal(['payment_refunded']);
      expect(user.latest('payment_refunded')).to.include({ amount: 9.99, currency: 'eur' });
    }),
  );

  it(
    'in parts is told part by part, and the parts add up',
    story(async (world) => {
      const { user, id } = await subscriber(world);

      world.sandbox.refund({ of: id, amount: 4_00 });
      await world.settle();
      expect(user.latest('payment_refunded')).to.include({ amount: 4 });
      world.sandbox.refund({ of: id, amount: 2_50 });
      await world.settle();

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded, 6.5 back']);
      expect(user.latest('payment_refunded')).to.include({ amount: 2.5 });
      expect(user.news()).to.deep.equal(['payment_refunded', 'payment_refunded']);
    }),
  );

  it(
    'that fails later no longer counts',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      const refund = world.sandbox.refund({ of: id });
      await world.advance(3 * DAY);
      user.news();

      world.sandbox.failRefund({ refund: refund.id });
      await world.settle();

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
      expect((await world.rows.payment()).amountRefunded).to.equal(0);
      expect(user.news()).to.deep.equal([]);
    }),
  );
});

describe('A refund, where it ends premium,', () => {
  it(
    'does so for the period that it paid, once, and the next payment brings premium back',
    endsPremium(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.advance(DAY);
      const now = world.now;

      world.sandbox.refund({ of: id });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: now, status: 'active' });
      expect(user.news()).to.deep.equal(['payment_refunded', 'premium_cancelled']);

      await world.advanceTo(end);
      expect((await user.account()).reason).to.equal('none');
      expect(user.news()).to.deep.equal([]);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'does so as well when the payment had waited for its confirmation',
    endsPremium(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout();
      world.sandbox.completeCheckout({ session, card: 'authentication' });
      await world.advance(2 * MINUTE);
      world.sandbox.authenticate({ id: session, accept: true });
      await world.settle();
      user.news();

      world.sandbox.refund({ of: (await world.rows.subscription()).stripeSubscriptionId });
      await world.settle();

      expect((await user.account()).reason).to.equal('none');
      expect(user.news()).to.deep.equal(['payment_refunded', 'premium_cancelled']);
    }),
  );

  it(
    'does so as well when it is heard of before the payment',
    endsPremium(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout();
      world.sandbox.deliveries.hold();
      const { session: paid } = world.sandbox.completeCheckout({ session });
      await world.advance(MINUTE);
      const refundedAt = world.now;
      world.sandbox.refund({ of: String(paid.subscription) });
      await world.advance(MINUTE);

      await world.releaseFirst('payment_intent.succeeded', 'charge.refunded', 'refund.created');

      expect(await user.account()).to.deep.include({ reason: 'none', until: refundedAt, status: 'active' });
      expect(user.news()).to.include.members(['payment_refunded', 'payment_succeeded']);
    }),
  );

  it(
    'gives premium back when it fails',
    endsPremium(async (world) => {
      const { user, id, end } = await subscriber(world);
      const refund = world.sandbox.refund({ of: id });
      await world.advance(3 * DAY);
      user.news();

      world.sandbox.failRefund({ refund: refund.id });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
      expect(user.news()).to.deep.equal(['premium_activated']);
    }),
  );

  it(
    'leaves premium alone when only a part, or an earlier month, is given back',
    endsPremium(async (world) => {
      const { user, id, end } = await subscriber(world);
      world.sandbox.refund({ of: id, amount: 5_00 });
      await world.settle();
      expect((await user.account()).reason).to.equal('active');
      await world.advanceTo(end);
      await world.advance(DAY);
      const [first] = await world.rows.payments();
      user.news();

      world.sandbox.refund({ of: String(first?.stripePaymentIntentId) });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(end, 1),
        payments: ['9.99 eur succeeded', '9.99 eur succeeded, 9.99 back'],
      });
      expect(user.news()).to.deep.equal(['payment_refunded']);
    }),
  );
});
