import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';

describe('A cancellation', () => {
  it(
    'at the end of the period keeps premium until then, and both are told once',
    story(async (world) => {
      const { user, end } = await subscriber(world);

      const answer = await user.delete('/api/stripe/subscription');
      await world.settle();

      expect(answer.status).to.equal(200);
      const scheduled = { until: end, plan: 'mensuel', payments: ['9.99 eur succeeded'] };
      expect(await user.account()).to.deep.equal({
        reason: 'cancelled_until',
        status: 'active',
        ending: true,
        ...scheduled,
      });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
      expect(user.latest('premium_cancelled')).to.include({
        cancel_at_period_end: true,
        end_date: end.toISOString(),
      });

      await world.advanceTo(later(end, -1));
      expect((await user.account()).reason).to.equal('cancelled_until');
      await world.advance(1);

      expect(await user.account()).to.deep.equal({
        reason: 'none',
        status: 'canceled',
        ending: false,
        ...scheduled,
      });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
      expect(user.latest('premium_cancelled')).to.include({ cancel_at_period_end: false });

      await world.advance(2 * HOUR);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  for (const billingMode of ['flexible', 'classic'] as const) {
    it(
      `in the portal does the same to a ${billingMode} subscription`,
      storyWith({ sandbox: { billing: { billingMode } } }, async (world) => {
        const { user, id, end } = await subscriber(world);

        world.sandbox.cancelAtPeriodEnd({ subscription: id });
        await world.settle();

        const { cancel_at_period_end: flag } = await world.stripe.subscriptions.retrieve(id);
        expect(flag, 'Stripe’s own flag').to.equal(billingMode === 'classic');
        expect(await user.account()).to.deep.include({ reason: 'cancelled_until', until: end, ending: true });
        expect(user.news()).to.deep.equal(['premium_cancelled']);

        await world.advanceTo(end);

        expect(await user.account()).to.include({ reason: 'none', status: 'canceled' });
        expect(user.news()).to.deep.equal(['premium_cancelled']);
      }),
    );
  }

  it(
    'that is taken back leaves no trace, and the subscription renews',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      await user.delete('/api/stripe/subscription', { at_period_end: true });
      await world.settle();
      user.news();
      await world.advance(DAY);

      world.sandbox.resume({ subscription: id });
      await world.settle();

      expect(await user.account()).to.include({ reason: 'active', status: 'active', ending: false });
      expect(await world.rows.subscription()).to.include({ cancelAt: null, canceledAt: null });
      expect(user.news()).to.deep.equal([]);

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'made again after it was taken back is told again',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      for (const _ of [1, 2]) {
        await world.advance(DAY);
        world.sandbox.cancelAtPeriodEnd({ subscription: id });
        await world.advance(DAY);
        world.sandbox.resume({ subscription: id });
      }
      await world.settle();

      expect(user.news()).to.deep.equal(['premium_cancelled', 'premium_cancelled']);
      expect(await user.account()).to.include({ reason: 'active', ending: false });
    }),
  );

  it(
    'with immediate effect ends the subscription at Stripe and premium with it, without giving money back',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      await world.advance(10 * DAY);
      const now = world.now;

      const answer = await user.delete('/api/stripe/subscription', { at_period_end: false });
      await world.settle();

      expect(answer.status).to.equal(200);
      expect((await world.stripe.subscriptions.retrieve(id)).status).to.equal('canceled');
      expect(await user.account()).to.deep.equal({
        reason: 'none',
        until: now,
        plan: 'mensuel',
        status: 'canceled',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
      expect(await world.stripe.refunds.list())
        .to.have.property('data')
        .that.deep.equals([]);
      expect((await user.delete('/api/stripe/subscription')).status).to.equal(404);
    }),
  );

  it(
    'at the dashboard with immediate effect does the same',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      await world.advance(10 * DAY);

      world.sandbox.cancelNow({ subscription: id });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: world.now, status: 'canceled' });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );

  it(
    'during the days of grace ends them',
    story(async (world) => {
      const { user, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advanceTo(end);
      await world.advance(DAY);
      expect((await user.account()).reason).to.equal('grace');
      user.news();

      await user.delete('/api/stripe/subscription', { at_period_end: false });
      await world.settle();

      expect(await user.account()).to.include({ reason: 'none', status: 'canceled' });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );
});

describe('Whoever cancelled', () => {
  it(
    'can subscribe again, and keeps both subscriptions in the books',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      await world.advance(10 * DAY);
      await user.delete('/api/stripe/subscription', { at_period_end: false });
      await world.settle();
      user.news();
      await world.advance(DAY);

      const second = await user.buys('annuel');

      const rows = await world.rows.subscriptions();
      expect(rows.map((row) => [row.stripeSubscriptionId, row.status])).to.deep.equal([
        [id, 'canceled'],
        [second, 'active'],
      ]);
      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(world.now, 12),
        plan: 'annuel',
        status: 'active',
        ending: false,
        payments: ['99.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      expect(await world.rows.customers()).to.have.length(1);
    }),
  );

  it(
    'can subscribe again only once the paid period is over',
    story(async (world) => {
      const { user, end } = await subscriber(world);
      await user.delete('/api/stripe/subscription');
      await world.settle();
      expect((await user.post('/api/stripe/subscription', { plan_type: 'mensuel' })).status).to.equal(409);

      await world.advanceTo(end);
      user.news();
      await user.buys('mensuel');

      expect((await user.account()).until).to.deep.equal(monthsAfter(end, 1));
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );
});
