import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';

describe('A renewal', () => {
  it(
    'keeps premium through the hour before it is paid, and gives the new month only once it is',
    story(async (world) => {
      const { user, end } = await subscriber(world);
      const nextEnd = monthsAfter(end, 1);

      await world.advanceTo(end);

      expect((await world.rows.subscription()).currentPeriodEnd).to.deep.equal(nextEnd);
      const rolled = await user.account();
      expect(rolled).to.deep.include({
        reason: 'payment_pending',
        until: later(end, 14 * DAY),
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal([]);

      await world.advance(HOUR);

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: nextEnd,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'of the yearly plan is one payment and one year',
    story(async (world) => {
      const { user, end } = await subscriber(world, 'annuel');

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        until: monthsAfter(end, 12),
        plan: 'annuel',
        payments: ['99.99 eur succeeded', '99.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'follows the calendar of a subscription that began on the 31st',
    storyWith({ sandbox: { startAt: Date.UTC(2030, 0, 31, 12) / 1_000 } }, async (world) => {
      const { user } = await subscriber(world);
      const ends = ['2030-02-28T12:00:00Z', '2030-03-31T12:00:00Z', '2030-04-30T12:00:00Z'];

      for (const end of ends) {
        expect((await user.account()).until).to.deep.equal(new Date(end));
        await world.advanceTo(new Date(end));
        await world.advance(HOUR);
      }

      expect(await world.rows.payments()).to.have.length(4);
      expect(user.news()).to.deep.equal(['payment_succeeded', 'payment_succeeded', 'payment_succeeded']);
    }),
  );

  it(
    'whose events come a day late gives the new month and never says that premium has ended',
    story(async (world) => {
      const { user, end } = await subscriber(world);
      await world.advanceTo(later(end, -HOUR));

      world.sandbox.deliveries.hold();
      await world.advance(DAY);
      await world.releaseFirst();

      expect((await user.account()).until).to.deep.equal(monthsAfter(end, 1));
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );
});
