import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, monthsAfter } from './support/time.ts';

const suspends = storyWith.bind(null, { env: { PREMIUM_ON_DISPUTE: 'suspend' } });

describe('A dispute', () => {
  for (const outcome of ['won', 'lost'] as const) {
    it(
      `that is ${outcome} is on the payment for the operator to see, and premium stays`,
      story(async (world) => {
        const { user, id, end } = await subscriber(world);
        await world.advance(DAY);

        const dispute = world.sandbox.openDispute({ of: id });
        await world.settle();
        expect((await world.rows.payment()).disputeStatus).to.equal('needs_response');
        expect(await user.account()).to.deep.include({ reason: 'active', until: end });
        await world.advance(DAY);

        world.sandbox.closeDispute({ dispute: dispute.id, outcome });
        await world.settle();

        expect((await world.rows.payment()).disputeStatus).to.equal(outcome);
        expect(await user.account()).to.deep.include({ reason: 'active', until: end });
        expect(user.news()).to.deep.equal([]);
      }),
    );
  }
});

describe('A dispute, where it suspends premium,', () => {
  it(
    'takes premium away at once and gives it back when it is won',
    suspends(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.advance(DAY);
      const openedAt = world.now;

      const dispute = world.sandbox.openDispute({ of: id });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: openedAt, status: 'active' });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
      await world.advance(DAY);

      world.sandbox.closeDispute({ dispute: dispute.id, outcome: 'won' });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
      expect(user.news()).to.deep.equal(['premium_activated']);
    }),
  );

  it(
    'keeps it away when it is lost, until the next payment',
    suspends(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.advance(DAY);
      const openedAt = world.now;
      const dispute = world.sandbox.openDispute({ of: id });
      await world.advance(DAY);
      user.news();

      world.sandbox.closeDispute({ dispute: dispute.id, outcome: 'lost' });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: openedAt });
      expect(user.news()).to.deep.equal([]);

      await world.advanceTo(end);
      await world.advance(HOUR);
      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'that is only an inquiry takes nothing away',
    suspends(async (world) => {
      const { user, id, end } = await subscriber(world);

      const dispute = world.sandbox.openDispute({ of: id, inquiry: true });
      await world.advance(DAY);
      expect((await world.rows.payment()).disputeStatus).to.equal('warning_needs_response');
      world.sandbox.closeDispute({ dispute: dispute.id, outcome: 'won' });
      await world.settle();

      expect((await world.rows.payment()).disputeStatus).to.equal('warning_closed');
      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'of an earlier month leaves the month that is paid alone',
    suspends(async (world) => {
      const { user, end } = await subscriber(world);
      await world.advanceTo(end);
      await world.advance(DAY);
      const [first] = await world.rows.payments();
      user.news();

      world.sandbox.openDispute({ of: String(first?.stripePaymentIntentId) });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal([]);
    }),
  );
});
