import { expect } from 'chai';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, monthsAfter } from './support/time.ts';

const BEHAVIORS = ['void', 'keep_as_draft', 'mark_uncollectible'] as const;

describe('A paused collection', () => {
  for (const behavior of BEHAVIORS) {
    it(
      `(${behavior}) lets premium lapse with the month that was paid, and resuming brings it back with the next`,
      story(async (world) => {
        const { user, id, end } = await subscriber(world);
        await world.advance(5 * DAY);

        await world.stripe.subscriptions.update(id, { pause_collection: { behavior } });
        await world.settle();
        expect(await user.account()).to.deep.include({ reason: 'active', until: end, status: 'active' });
        expect(user.news()).to.deep.equal([]);

        await world.advanceTo(end);
        await world.advance(2 * HOUR);

        expect(await user.account()).to.deep.include({
          reason: 'none',
          until: end,
          status: 'active',
          payments: ['9.99 eur succeeded'],
        });
        expect(user.news()).to.deep.equal(['premium_cancelled']);

        await world.advance(5 * DAY);
        await world.stripe.subscriptions.update(id, { pause_collection: '' });
        await world.settle();
        expect((await user.account()).reason).to.equal('none');

        await world.advanceTo(monthsAfter(end, 1));
        await world.advance(HOUR);

        expect(await user.account()).to.deep.include({
          reason: 'active',
          until: monthsAfter(end, 2),
          payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
        });
        expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      }),
    );
  }

  it(
    'that is resumed within the month changes nothing',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } });
      await world.settle();
      expect((await world.rows.subscription()).collectionPaused).to.equal(true);
      await world.advance(DAY);

      await world.stripe.subscriptions.update(id, { pause_collection: '' });
      await world.advanceTo(end);
      await world.advance(HOUR);

      expect((await world.rows.subscription()).collectionPaused).to.equal(false);
      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );
});
