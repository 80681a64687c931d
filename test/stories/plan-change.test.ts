import { expect } from 'chai';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import { PRICE_ANNUEL, PRICE_MENSUEL } from './support/world.ts';

/** A year in the sandbox's stories: from 15 January 2030 on there is no leap day near. */
const YEAR = 365 * DAY;

describe('A change of plan', () => {
  it(
    'from monthly to yearly bills the difference, and premium follows the year that was paid',
    story(async (world) => {
      const { user, id, end } = await subscriber(world, 'mensuel');
      await world.advanceTo(later(end, -10 * DAY));
      const now = world.now;

      world.sandbox.changePlan({ subscription: id, price: PRICE_ANNUEL });
      await world.settle();

      // Ten of the 31 days were not used: 9.99 × 10 / 31 = 3.22 is credited.
      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(now, 12),
        plan: 'annuel',
        status: 'active',
        ending: false,
        payments: ['96.77 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
      expect(await world.rows.subscription()).to.include({ stripePriceId: PRICE_ANNUEL });
    }),
  );

  it(
    'from yearly to monthly leaves a credit that pays for the next months',
    story(async (world) => {
      const { user, id } = await subscriber(world, 'annuel');
      await world.advance(YEAR - 90 * DAY);
      const now = world.now;

      world.sandbox.changePlan({ subscription: id, price: PRICE_MENSUEL });
      await world.settle();

      const changed = { reason: 'active', plan: 'mensuel', status: 'active', ending: false };
      expect(await user.account()).to.deep.equal({
        ...changed,
        until: monthsAfter(now, 1),
        payments: ['99.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal([]);

      await world.advanceTo(monthsAfter(now, 1));
      await world.advance(HOUR);

      // 24.66 of credit: the first month is covered, and so is this one.
      expect((await user.account()).until).to.deep.equal(monthsAfter(now, 2));
      expect(user.news()).to.deep.equal([]);

      await world.advanceTo(monthsAfter(now, 2));
      await world.advance(HOUR);

      expect(await user.account()).to.deep.equal({
        ...changed,
        until: monthsAfter(now, 3),
        payments: ['5.31 eur succeeded', '99.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'that cannot be paid keeps what was paid before',
    story(async (world) => {
      const { user, id, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advance(5 * DAY);

      world.sandbox.changePlan({ subscription: id, price: PRICE_ANNUEL });
      await world.settle();

      expect(await user.account()).to.deep.include({ until: end, plan: 'annuel', status: 'past_due' });
      expect((await user.account()).reason).to.equal('active');
      expect(user.news()).to.deep.equal(['payment_failed']);
    }),
  );

  it(
    'that cannot be paid keeps what was paid before, moments after the purchase too',
    story(async (world) => {
      const { user, id, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advance(5);

      world.sandbox.deliveries.hold();
      world.sandbox.changePlan({ subscription: id, price: PRICE_ANNUEL });
      // As it was before the payment was tried: active, with a period of a year.
      await world.releaseFirst('customer.subscription.updated');
      await world.settle();

      expect(await user.account()).to.deep.include({ until: end, plan: 'annuel', status: 'past_due' });
      expect(user.news()).to.deep.equal(['payment_failed']);
    }),
  );

  it(
    'to another price of the same length bills the difference and moves no date',
    story(async (world) => {
      const { user, id, end } = await subscriber(world, 'mensuel');
      const { product } = await world.stripe.prices.retrieve(PRICE_MENSUEL);
      const dearer = await world.stripe.prices.create({
        currency: 'eur',
        unit_amount: 14_99,
        recurring: { interval: 'month' },
        product: String(product),
      });
      await world.advanceTo(later(end, (-31 * DAY) / 2));

      world.sandbox.changePlan({ subscription: id, price: dearer.id, proration: 'always_invoice' });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['2.5 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        until: monthsAfter(end, 1),
        payments: ['14.99 eur succeeded', '2.5 eur succeeded', '9.99 eur succeeded'],
      });
    }),
  );
});
