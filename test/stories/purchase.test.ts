import { expect } from 'chai';
import { World } from './support/world.ts';

describe('A purchase', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.start();
  });

  afterEach(() => world.close());

  it('makes the user premium until the end of the month that was paid, and says so once', async () => {
    const user = await world.member();

    const subscription = await user.buys('mensuel');

    expect(await world.failedJobs()).to.deep.equal([]);
    const [row, ...others] = await world.rows.subscriptions();
    expect(others).to.deep.equal([]);
    expect(row).to.include({
      userId: user.id,
      stripeSubscriptionId: subscription,
      planType: 'mensuel',
      status: 'active',
    });
    expect(await world.rows.premium(user.id)).to.deep.equal(row?.currentPeriodEnd);
    const payments = await world.rows.payments();
    expect(payments).to.have.length(1);
    expect(payments[0]).to.include({
      userId: user.id,
      subscriptionId: row?.id,
      amount: 999,
      currency: 'eur',
      status: 'succeeded',
    });
    expect(payments[0]?.stripePaymentIntentId).to.match(/^pi_/);
    expect(payments[0]?.stripeInvoiceId).to.match(/^in_/);
    expect(user.heard().sort()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    expect(await user.subscription()).to.deep.include({ is_premium: true, reason: 'active' });
    expect((await world.rows.checkoutSessions()).map((session) => session.status)).to.deep.equal([
      'completed',
    ]);
    expect((await world.rows.events()).filter((event) => !event.processed)).to.deep.equal([]);
  });
});
