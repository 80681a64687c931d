import { expect } from 'chai';
import type { Member } from './support/member.ts';
import { askAdmin } from './support/operator.ts';
import { story } from './support/story.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import { PRICE_ANNUEL, type World } from './support/world.ts';

/** One user pays two checkouts that were open at the same time: a month, and half a day later a year. */
async function paysTwice(world: World): Promise<{ user: Member; first: string; second: string; end: Date }> {
  const user = await world.member();
  const session = await user.beginCheckout('mensuel');
  const [customer] = await world.rows.customers();
  const metadata = { user_id: String(user.id), plan_type: 'annuel' };
  // What our own lock prevents, but an older tab of the old service, or another process of it, does not.
  const other = await world.stripe.checkout.sessions.create({
    mode: 'subscription',
    customer: String(customer?.stripeCustomerId),
    line_items: [{ price: PRICE_ANNUEL, quantity: 1 }],
    success_url: 'https://matcha.example/premium',
    metadata,
    subscription_data: { metadata },
  });
  const end = monthsAfter(world.now, 1);
  const first = await user.pays(session);
  await world.advance(12 * HOUR);
  world.sandbox.deliveries.hold();
  const { session: paid } = world.sandbox.completeCheckout({ session: other.id });
  await world.releaseFirst();
  return { user, first, second: String(paid.subscription), end };
}

describe('A second live subscription of one user', () => {
  it(
    'is paid and counted, marked as a duplicate, and shown to the operator',
    story(async (world) => {
      const { user, first, second } = await paysTwice(world);

      const rows = await world.rows.subscriptions();
      const [kept, duplicate] = rows;
      expect(rows.map((row) => row.stripeSubscriptionId)).to.deep.equal([first, second]);
      expect(kept?.duplicateOf).to.equal(null);
      expect(duplicate?.duplicateOf).to.equal(kept?.id);
      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(world.now, 12),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['99.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'payment_succeeded', 'premium_activated']);
      const attention = await askAdmin(world, 'GET', '/api/admin/attention');
      expect(attention.body.data)
        .to.have.property('duplicate_subscriptions')
        .that.deep.equals([{ user_id: user.id, stripe_subscription_id: second, duplicate_of: first }]);
    }),
  );

  it(
    'keeps premium when the first one ends, and is then the one that counts',
    story(async (world) => {
      const { user, first, second } = await paysTwice(world);
      const until = monthsAfter(world.now, 12);
      user.news();
      await world.advance(DAY);

      world.sandbox.cancelNow({ subscription: first });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until, plan: 'annuel' });
      expect(user.news()).to.deep.equal([]);
      const rows = await world.rows.subscriptions();
      expect(rows.map((row) => [row.stripeSubscriptionId, row.status, row.duplicateOf])).to.deep.equal([
        [first, 'canceled', null],
        [second, 'active', null],
      ]);

      world.sandbox.cancelNow({ subscription: second });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: world.now, status: 'canceled' });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );

  it(
    'ends without taking what the first one paid',
    story(async (world) => {
      const { user, second, end } = await paysTwice(world);
      user.news();

      world.sandbox.cancelNow({ subscription: second });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until: end, plan: 'mensuel' });
      expect(user.news()).to.deep.equal([]);

      await world.advanceTo(end);
      await world.advance(HOUR);
      expect((await user.account()).until).to.deep.equal(monthsAfter(end, 1));
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'is cancelled together with the first when the user cancels',
    story(async (world) => {
      const { user, first, second, end } = await paysTwice(world);
      const until = monthsAfter(world.now, 12);
      user.news();

      await user.delete('/api/stripe/subscription');
      await world.settle();

      for (const id of [first, second]) {
        expect((await world.stripe.subscriptions.retrieve(id)).cancel_at).not.to.equal(null);
      }
      await world.advanceTo(later(end, HOUR));
      expect(await user.account()).to.deep.include({ reason: 'cancelled_until', until });
      await world.advanceTo(until);
      expect(await user.account()).to.deep.include({ reason: 'none', status: 'canceled' });
    }),
  );
});
