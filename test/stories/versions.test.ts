import { expect } from 'chai';
import { NEWEST_VERSION } from '../../sandbox/index.ts';
import { storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

const VERSIONS = [
  '2020-03-02',
  '2022-11-15',
  '2024-06-20',
  '2025-03-31.basil',
  '2025-09-30.clover',
  NEWEST_VERSION,
];
/** Old versions as they were rendered then, and as Stripe renders them today: with the fields added since. */
const SHAPES = ['as_then', 'as_today'] as const;

/** A purchase, a renewal, a failed renewal that is recovered, a cancellation and its end. */
async function wholeLife(world: World): Promise<void> {
  const { user, id, customer, end } = await subscriber(world);
  const secondEnd = monthsAfter(end, 1);
  const thirdEnd = monthsAfter(end, 2);
  const account = { reason: 'active', plan: 'mensuel', status: 'active', ending: false };
  expect(await user.account()).to.deep.equal({ ...account, until: end, payments: ['9.99 eur succeeded'] });

  await world.advanceTo(end);
  await world.advance(HOUR);
  const twice = ['9.99 eur succeeded', '9.99 eur succeeded'];
  expect(await user.account()).to.deep.equal({ ...account, until: secondEnd, payments: twice });
  expect(user.news()).to.deep.equal(['payment_succeeded']);

  world.sandbox.setCard({ customer, card: 'declined' });
  await world.advanceTo(secondEnd);
  await world.advance(HOUR);
  const graceEnd = later(secondEnd, HOUR + 3 * DAY);
  expect(await user.account()).to.deep.include({ reason: 'grace', until: graceEnd, status: 'past_due' });
  expect(user.news()).to.deep.equal(['payment_failed']);
  expect(user.latest('payment_failed')).to.include({ reason: 'Your card was declined.' });

  world.sandbox.setCard({ customer, card: 'succeeds' });
  await world.advanceTo(graceEnd);
  const thrice = ['9.99 eur succeeded', ...twice];
  expect(await user.account()).to.deep.equal({ ...account, until: thirdEnd, payments: thrice });
  expect(user.news()).to.include('payment_succeeded');

  world.sandbox.cancelAtPeriodEnd({ subscription: id });
  await world.settle();
  expect(await user.account()).to.deep.include({ reason: 'cancelled_until', until: thirdEnd, ending: true });
  expect(user.news()).to.deep.equal(['premium_cancelled']);

  world.sandbox.refund({ of: id, amount: 5_00 });
  await world.advanceTo(thirdEnd);
  expect(await user.account()).to.deep.equal({
    ...account,
    reason: 'none',
    until: thirdEnd,
    status: 'canceled',
    payments: ['9.99 eur succeeded, 5 back', ...twice],
  });
  expect(user.news()).to.deep.equal(['payment_refunded', 'premium_cancelled']);
  const intents = (await world.rows.payments()).map((payment) => payment.stripePaymentIntentId);
  expect(intents.filter((intent) => !intent.startsWith('pi_'))).to.deep.equal([]);
}

describe('A whole life, told in API version', () => {
  for (const version of VERSIONS) {
    for (const oldShapes of SHAPES) {
      const isOld = version < '2025-03-31';
      if (!isOld && oldShapes === 'as_today') continue;
      it(
        `${version}${isOld ? ` (${oldShapes.replace('_', ' ')})` : ''}, is the same`,
        storyWith({ apiVersion: version, sandbox: { apiVersion: version, oldShapes } }, wholeLife),
      );
    }
  }
});
