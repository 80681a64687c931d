import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import { PRICE_ANNUEL, PRICE_MENSUEL, type World } from './support/world.ts';

/** Another thing that the same Stripe account sells, by the month. */
async function otherProduct(world: World): Promise<string> {
  const { id } = await world.stripe.prices.create({
    currency: 'eur',
    unit_amount: 4_00,
    recurring: { interval: 'month' },
    product_data: { name: 'Lettre papier' },
  });
  return id;
}

/** Our own product at a price that the configuration does not name. */
async function ourPrice(world: World, minorUnits: number, interval: 'week' | 'year'): Promise<string> {
  const { product } = await world.stripe.prices.retrieve(PRICE_MENSUEL);
  const { id } = await world.stripe.prices.create({
    currency: 'eur',
    unit_amount: minorUnits,
    recurring: { interval },
    product: String(product),
  });
  return id;
}

describe('A customer deleted at the dashboard', () => {
  it(
    'is no longer premium, and buys again as a new customer',
    story(async (world) => {
      const { user, customer } = await subscriber(world);
      await world.advance(DAY);

      world.sandbox.deleteCustomer({ customer });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: world.now, status: 'canceled' });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
      const [tombstone] = await world.rows.customers();
      expect(tombstone).to.include({ stripeCustomerId: customer, userId: user.id, preferred: false });
      expect(tombstone?.deletedAt).to.deep.equal(world.now);

      await user.buys('mensuel');

      const customers = await world.rows.customers();
      expect(customers.map((row) => [row.userId, row.preferred])).to.deep.equal([
        [user.id, false],
        [user.id, true],
      ]);
      expect(customers[1]?.stripeCustomerId).not.to.equal(customer);
      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(world.now, 1),
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'who had bought nothing leaves only a tombstone',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();

      world.sandbox.deleteCustomer({ customer });
      await world.settle();

      expect((await world.rows.customers())[0]).to.include({ stripeCustomerId: customer, preferred: false });
      expect(user.news()).to.deep.equal([]);
      await user.buys('mensuel');
      expect((await user.account()).reason).to.equal('active');
    }),
  );
});

describe('A subscription made at the dashboard', () => {
  it(
    'for a known customer is premium like any other',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      const end = monthsAfter(world.now, 12);

      world.sandbox.createSubscription({ customer, price: PRICE_ANNUEL, card: 'succeeds' });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'annuel',
        status: 'active',
        ending: false,
        payments: ['99.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'at a price of its own is the plan that its interval says',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      const gift = await ourPrice(world, 49_00, 'year');

      world.sandbox.createSubscription({ customer, price: gift, card: 'succeeds' });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        plan: 'annuel',
        payments: ['49 eur succeeded'],
      });
    }),
  );

  it(
    'that renews by the week is no plan of ours: its events fail, say what to do, and spoil no neighbour',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      const weekly = await ourPrice(world, 2_99, 'week');
      // One that succeeds first: from then on our product is known, and events like it are applied in groups.
      world.sandbox.createSubscription({
        customer,
        price: await ourPrice(world, 49_00, 'year'),
        card: 'succeeds',
      });
      await world.settle();
      const neighbours = [await world.member(), await world.member()];
      const sessions = await Promise.all(neighbours.map((neighbour) => neighbour.beginCheckout()));
      await world.settle();

      world.sandbox.deliveries.hold();
      for (const session of sessions) {
        world.sandbox.createSubscription({ customer, price: weekly, card: 'succeeds' });
        world.sandbox.completeCheckout({ session });
      }
      world.sandbox.deliveries.release();
      await world.settle();

      const failed = (await world.rows.events()).filter((event) => !event.processed);
      expect(failed).not.to.deep.equal([]);
      for (const { eventType, errorMessage } of failed) {
        expect(errorMessage, eventType).to.contain(weekly).and.contain('STRIPE_PRICE_MENSUEL');
      }
      expect(await world.rows.subscriptions()).to.have.length(3);
      for (const neighbour of neighbours) {
        expect(neighbour.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      }
    }),
  );
});

describe('A subscription to another product', () => {
  it(
    'is none of ours: nobody is premium by it, and neither its payment nor its news is shown',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();

      const price = await otherProduct(world);
      world.sandbox.createSubscription({ customer, price, card: 'succeeds' });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'none',
        until: null,
        plan: null,
        status: null,
        ending: false,
        payments: [],
      });
      expect(await world.rows.subscriptions()).to.deep.equal([]);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'neither prolongs premium when it renews nor ends it when it ends',
    story(async (world) => {
      const { user, customer, end } = await subscriber(world);
      await world.advance(5 * DAY);
      const price = await otherProduct(world);
      const { id } = world.sandbox.createSubscription({ customer, price, card: 'succeeds' });
      await world.settle();
      expect((await user.account()).until).to.deep.equal(end);

      await world.advanceTo(end);
      await world.advance(HOUR);
      const renewed = monthsAfter(end, 1);
      expect((await user.account()).until).to.deep.equal(renewed);
      await world.advanceTo(later(end, 6 * DAY));
      expect((await user.account()).until).to.deep.equal(renewed);

      world.sandbox.cancelNow({ subscription: id });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until: renewed, status: 'active' });
      expect(await world.rows.subscriptions()).to.have.length(1);
      expect(user.news()).to.not.include('premium_cancelled');
    }),
  );
});
