import { expect } from 'chai';
import { sessionMarksOf } from '../../src/shared/stripe/index.ts';
import { askAdmin } from './support/operator.ts';
import { story, storyWith } from './support/story.ts';
import { DAY, HOUR, MINUTE, monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

/** Somebody who is not logged in buys a month and gives an address. */
async function guestBuys(world: World, email: string): Promise<void> {
  const session = await guestBegins(world);
  world.sandbox.completeCheckout({ session, email });
  await world.settle();
}

async function guestBegins(world: World): Promise<string> {
  const response = await fetch(`${world.gatewayUrl}/api/stripe/create-checkout-session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ plan: 'mensuel' }),
  });
  const { data } = (await response.json()) as { data: { id: string } };
  return data.id;
}

/** The migration ran at this moment of the story, and not today. */
async function upgradedAt(world: World, moment: Date): Promise<void> {
  await world.orm.em
    .fork()
    .execute(
      `update maintenance_state set data = data || jsonb_build_object('since', ?::text) where name = 'session-marks'`,
      [moment.toISOString()],
    );
}

/** What somebody is told whose address a payer typed: that they are premium, and nothing of the payer. */
function premiumOfAStranger(until: Date) {
  return { reason: 'active', until, plan: null, status: null, ending: false, payments: [] };
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

      expect(await user.account()).to.deep.equal(premiumOfAStranger(end));
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

      expect(await user.account()).to.deep.equal(premiumOfAStranger(end));
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
      expect((await world.rows.payment()).userId).to.equal(user.id);
      expect((await user.account()).reason).to.equal('none');
      await user.buys();
      expect((await user.account()).reason).to.equal('active');
    }),
  );

  it(
    'under a stranger’s address shows the stranger nothing of the payer, and leaves the payer alone',
    story(async (world) => {
      const user = await world.member({ email: 'dora@example.com' });
      await guestBuys(world, 'dora@example.com');
      const [guests] = await world.rows.customers();
      const bought = await world.rows.subscription();

      const portal = await user.get('/api/stripe/subscription/billing-portal');
      expect(portal.body).to.include({ success: false, code: 'no_customer' });
      const cancelled = await user.delete('/api/stripe/subscription', { at_period_end: false });
      expect(cancelled.body).to.include({ success: false, code: 'nothing_to_cancel' });
      const resumed = await user.post('/api/stripe/subscription/resume', {});
      expect(resumed.body).to.include({ success: false, code: 'nothing_to_resume' });
      expect((await world.stripe.subscriptions.retrieve(bought.stripeSubscriptionId)).status).to.equal(
        'active',
      );

      // The own purchase is one of a new customer, and no second subscription to resolve.
      const own = await user.buys('annuel');
      const row = (await world.rows.subscriptions()).find((each) => each.stripeSubscriptionId === own);
      expect(row?.stripeCustomerId).to.not.equal(guests?.stripeCustomerId);
      expect(row?.duplicateOf).to.equal(null);
      expect(await user.account()).to.deep.include({
        plan: 'annuel',
        until: monthsAfter(world.now, 12),
        payments: ['99.99 eur succeeded'],
      });
      const attention = await askAdmin(world, 'GET', '/api/admin/attention');
      expect(attention.body.data).to.deep.include({ duplicate_subscriptions: [] });
      expect(attention.body.data)
        .to.have.property('unconfirmed_links')
        .that.containSubset([{ stripe_customer_id: guests?.stripeCustomerId, user_id: user.id }]);

      await user.delete('/api/stripe/subscription', { at_period_end: false });
      await world.settle();
      expect((await world.stripe.subscriptions.retrieve(own)).status).to.equal('canceled');
      expect((await world.stripe.subscriptions.retrieve(bought.stripeSubscriptionId)).status).to.equal(
        'active',
      );
      expect((await user.account()).until).to.deep.equal(monthsAfter(world.now, 1));
    }),
  );

  it(
    'is the user’s to see and to cancel once an operator has confirmed that they are the payer',
    story(async (world) => {
      const user = await world.member({ email: 'eve@example.com' });
      const end = monthsAfter(world.now, 1);
      await guestBuys(world, 'eve@example.com');
      const [customer] = await world.rows.customers();

      await askAdmin(world, 'POST', '/api/admin/customer/link', {
        stripe_customer_id: customer?.stripeCustomerId,
        user_id: user.id,
      });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect((await user.get('/api/stripe/subscription/billing-portal')).status).to.equal(200);
      const attention = await askAdmin(world, 'GET', '/api/admin/attention');
      expect(attention.body.data).to.deep.include({ unconfirmed_links: [] });
      expect((await user.post('/api/stripe/subscription', { plan_type: 'annuel' })).body.code).to.equal(
        'already_subscribed',
      );
      expect((await user.delete('/api/stripe/subscription')).status).to.equal(200);
    }),
  );

  it(
    'that needs the bank’s confirmation never sends the stranger the payer’s invoice',
    story(async (world) => {
      const user = await world.member({ email: 'fay@example.com' });
      await guestBuys(world, 'fay@example.com');
      const { stripeCustomerId } = await world.rows.subscription();
      user.news();
      world.sandbox.setCard({ customer: stripeCustomerId, card: 'alwaysAuthentication' });

      await world.advance(32 * DAY, 6 * HOUR);

      expect((await world.rows.payments()).length).to.be.greaterThan(1);
      expect(user.news()).to.not.include('payment_action_required');
    }),
  );

  it(
    'is still ours when Stripe’s key has changed while the page was open',
    story(async (world) => {
      const session = await guestBegins(world);
      const marks = sessionMarksOf(world.orm);
      const { metadata } = await world.stripe.checkout.sessions.retrieve(session);
      expect(await marks.isIn(metadata ?? {})).to.equal(true);
      const forged = { ...metadata, matcha_mark: `${'0'.repeat(32)}.${'0'.repeat(64)}` };
      expect(await marks.isIn(forged)).to.equal(false);
      expect(await marks.isIn({ source: 'guest' })).to.equal(false);
    }),
  );

  for (const [age, is] of [
    ['before the upgrade is believed by its word and our price', 'ours'],
    ['after it needs a mark', 'nobody’s'],
  ] as const) {
    it(
      `opened ${age}`,
      storyWith({ leavesUnapplied: true }, async (world) => {
        const user = await world.member({ email: 'gil@example.com' });
        if (is === 'ours') await upgradedAt(world, world.now);
        const session = await world.stripe.checkout.sessions.create({
          mode: 'subscription',
          line_items: [{ price: PRICE_MENSUEL, quantity: 1 }],
          success_url: 'https://matcha.example/premium',
          metadata: { source: 'guest', plan_type: 'mensuel' },
        });
        world.sandbox.deliveries.setRules({ drop: ['invoice.*'], dropTimes: 100 });
        world.sandbox.completeCheckout({ session: session.id, email: 'gil@example.com' });
        await world.settle();

        const [customer] = await world.rows.customers();
        expect(customer?.userId).to.equal(is === 'ours' ? user.id : undefined);
      }),
    );
  }

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
