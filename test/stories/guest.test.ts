import { expect } from 'chai';
import { askAdmin } from './support/operator.ts';
import { story, storyWith } from './support/story.ts';
import { MINUTE, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

/** Somebody who is not logged in buys a month and gives an address. */
async function guestBuys(world: World, email: string): Promise<void> {
  const response = await fetch(`${world.gatewayUrl}/api/stripe/create-checkout-session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ plan: 'mensuel' }),
  });
  const { data } = (await response.json()) as { data: { id: string } };
  world.sandbox.completeCheckout({ session: data.id, email });
  await world.settle();
}

async function parkedEvents(world: World): Promise<{ event_type: string; error_message: string }[]> {
  const answer = await askAdmin(world, 'GET', '/api/admin/webhook/events?state=parked');
  return (answer.body.data as unknown as { events: { event_type: string; error_message: string }[] }).events;
}

describe('A guest’s purchase', () => {
  it(
    'belongs to the user whose verified address was given',
    story(async (world) => {
      const user = await world.member({ email: 'Alice@Example.com' });
      const bystander = await world.member();
      const end = monthsAfter(world.now, 1);

      await guestBuys(world, 'alice@example.com');

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      expect(await bystander.account()).to.deep.include({ reason: 'none', payments: [] });
      expect((await world.rows.customers())[0]).to.include({ userId: user.id, linkedBy: 'verified_email' });
    }),
  );

  it(
    'under an address that nobody has verified is kept, shown, and applied by itself once it is',
    story(async (world) => {
      const user = await world.member({ email: 'bob@example.com', emailVerified: false });
      const end = monthsAfter(world.now, 1);

      await guestBuys(world, 'bob@example.com');

      expect(await user.account()).to.deep.include({ reason: 'none', until: null, payments: [] });
      expect(user.news()).to.deep.equal([]);
      const parked = await parkedEvents(world);
      expect(parked.map((event) => event.event_type)).to.include.members([
        'checkout.session.completed',
        'customer.subscription.created',
        'invoice.paid',
        'payment_intent.succeeded',
      ]);
      expect(parked[0]?.error_message).to.match(/^Nobody is known for cus_\w+ yet/);

      await world.orm.em.fork().execute('update users set email_verified = true');
      await world.advance(MINUTE);
      await world.maintain({ task: 'sweep' });

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect(await parkedEvents(world)).to.deep.equal([]);
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'that the sweep has brought once, too early, is brought again once it can be applied',
    story(async (world) => {
      const user = await world.member({ email: 'bob@example.com', emailVerified: false });
      await guestBuys(world, 'bob@example.com');
      const parked = await parkedEvents(world);
      // As web leaves them while Redis is away.
      await world.orm.em
        .fork()
        .execute('update webhook_events set waiting_for = null, error_message = null where not processed');
      await world.advance(MINUTE);
      await world.maintain({ task: 'sweep' });
      expect(await parkedEvents(world)).to.have.length(parked.length);

      await world.orm.em.fork().execute('update users set email_verified = true');
      await world.advance(MINUTE);
      await world.maintain({ task: 'sweep' });

      expect(await parkedEvents(world)).to.deep.equal([]);
      expect((await user.account()).reason).to.equal('active');
    }),
  );

  it(
    'by a customer whose deletion is heard of first leaves a tombstone and the payment',
    story(async (world) => {
      const user = await world.member({ email: 'carole@example.com' });
      world.sandbox.deliveries.hold();
      await guestBuys(world, 'carole@example.com');
      await world.advance(MINUTE);
      const { data } = await world.stripe.customers.list({ email: 'carole@example.com' });
      world.sandbox.deleteCustomer({ customer: String(data[0]?.id) });

      await world.releaseFirst('customer.deleted');

      const customer = (await world.rows.customers())[0];
      expect(customer).to.include({ stripeCustomerId: data[0]?.id, userId: user.id, preferred: false });
      expect(customer?.deletedAt).to.deep.equal(world.now);
      expect(await user.account()).to.deep.include({ reason: 'none', payments: ['9.99 eur succeeded'] });
      await user.buys();
      expect((await user.account()).reason).to.equal('active');
    }),
  );

  it(
    'under an address that belongs to nobody is nobody’s',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const users = [await world.member(), await world.member()];

      await guestBuys(world, 'unknown@example.com');

      for (const user of users) {
        expect(await user.account()).to.deep.include({ reason: 'none', until: null, payments: [] });
        expect(user.news()).to.deep.equal([]);
      }
      expect(await world.failedJobs()).to.deep.equal([]);
      expect(await parkedEvents(world)).not.to.deep.equal([]);
    }),
  );
});
