import { expect } from 'chai';
import { CheckoutSession, OutboxMessage, WebhookEvent } from '../../src/shared/entities/index.ts';
import { World } from './support/world.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('The sweep', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.start();
  });

  afterEach(() => world.close());

  it('applies events that only PostgreSQL took while Redis was away', async () => {
    const user = await world.member();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    await user.buys();
    await storeAsIfRedisWereAway(world);

    await world.maintain({ task: 'sweep' });
    expect(await world.rows.subscriptions(), 'they may still be on their way').to.deep.equal([]);
    await world.advance(MINUTE);
    await world.maintain({ task: 'sweep' });

    expect(await world.rows.subscriptions()).to.have.length(1);
    expect(user.heard().sort()).to.deep.equal(['payment_succeeded', 'premium_activated']);
  });

  it('delivers a message whose job Redis forgot, and none twice', async () => {
    const user = await world.member();
    await user.buys();
    user.forget();
    await world.orm.em.fork().insert(OutboxMessage, {
      fact: 'a fact whose job is gone'.replaceAll(' ', '_'),
      userId: user.id,
      type: 'payment_succeeded',
      data: { message: 'Paiement effectué avec succès!' },
      createdAt: world.now,
      silent: false,
    });
    await world.advance(MINUTE);

    await world.maintain({ task: 'sweep' });
    await world.maintain({ task: 'sweep' });

    expect(user.heard()).to.deep.equal(['payment_succeeded']);
  });

  it('tells a user once that premium has ended when its last event never came', async () => {
    const user = await world.member();
    await user.buys();
    user.forget();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    const [row] = await world.rows.subscriptions();
    world.sandbox.cancelNow({ subscription: row?.stripeSubscriptionId ?? '' });
    await world.advance(35 * DAY);

    await world.maintain({ task: 'sweep' });
    await world.maintain({ task: 'sweep' });

    expect(user.heard()).to.deep.equal(['premium_cancelled']);
    expect(await user.subscription()).to.deep.include({ is_premium: false, reason: 'none' });
  });

  it('keeps premium without a gap through the hour of a renewal', async () => {
    const user = await world.member();
    await user.buys();
    const [bought] = await world.rows.subscriptions();
    const end = bought?.currentPeriodEnd ?? world.now;
    // Nothing is delivered, as when Stripe's events are late.
    world.sandbox.deliveries.hold();
    await world.sandbox.advance((end.getTime() - world.now.getTime()) / 1_000 - 5 * MINUTE);
    await world.maintain({ task: 'sweep' });
    await world.sandbox.advance(20 * MINUTE);

    expect(await user.subscription()).to.deep.include({ is_premium: true, reason: 'active' });

    world.sandbox.deliveries.release();
    await world.settle();
    await world.advance(2 * HOUR);
    const [renewed] = await world.rows.subscriptions();
    expect(renewed?.currentPeriodEnd).to.be.greaterThan(end);
    expect(await world.rows.premium(user.id)).to.deep.equal(renewed?.currentPeriodEnd);
  });

  it('closes a checkout whose expiry was never heard of', async () => {
    const user = await world.member();
    await user.beginCheckout();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    await world.advance(2 * DAY);

    await world.maintain({ task: 'sweep' });

    expect((await world.rows.checkoutSessions()).map((session) => session.status)).to.deep.equal(['expired']);
    expect(await world.orm.em.fork().count(CheckoutSession, { status: 'pending' })).to.equal(0);
  });

  it('asks Stripe which invoice a payment belongs to where no event told', async () => {
    const user = await world.member();
    world.sandbox.deliveries.setRules({ drop: ['invoice_payment.paid'] });
    await user.buys();
    const unlinked = await world.rows.payments();
    expect(unlinked.map((row) => row.stripePaymentIntentId.slice(0, 3)).sort()).to.deep.equal(['inv', 'pi_']);
    const shown = await user.get('/api/stripe/payment/history');
    expect(shown.body.data, 'the payment is shown once meanwhile').to.have.property('total', 1);
    await world.advance(5 * MINUTE);

    await world.maintain({ task: 'sweep' });

    const [payment, ...others] = await world.rows.payments();
    expect(others).to.deep.equal([]);
    expect(payment?.stripePaymentIntentId).to.match(/^pi_/);
    expect(payment?.stripeInvoiceId).to.match(/^in_/);
  });

  it('drops the payloads of old events and keeps their trace', async () => {
    const user = await world.member();
    await user.buys();
    const before = await world.rows.events();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    await world.advance(91 * DAY);

    await world.maintain({ task: 'sweep' });

    const after = await world.orm.em.fork().find(WebhookEvent, {}, { populate: ['data'] });
    expect(after.map((event) => event.stripeEventId)).to.have.members(
      before.map((event) => event.stripeEventId),
    );
    expect(after.filter((event) => event.data !== null)).to.deep.equal([]);
  });
});

/** What the web process does with an event when Redis refuses it. */
async function storeAsIfRedisWereAway(world: World): Promise<void> {
  const events = await world.stripe.events.list({ limit: 100 });
  for (const event of events.data) {
    await world.orm.em.fork().insert(WebhookEvent, {
      stripeEventId: event.id,
      eventType: event.type,
      processed: false,
      data: JSON.parse(JSON.stringify(event)),
      retryCount: 0,
      createdAt: world.now,
      livemode: false,
    });
  }
}
