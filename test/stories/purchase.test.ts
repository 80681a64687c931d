import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { DAY, HOUR, monthsAfter } from './support/time.ts';

describe('A purchase', () => {
  it(
    'makes the user premium until the end of the month that was paid, and says so once',
    story(async (world) => {
      const user = await world.member();
      const end = monthsAfter(world.now, 1);

      const subscription = await user.buys('mensuel');

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      expect(user.latest('premium_activated')).to.include({
        plan_type: 'mensuel',
        end_date: end.toISOString(),
      });
      const row = await world.rows.subscription();
      expect(row).to.include({
        userId: user.id,
        stripeSubscriptionId: subscription,
        planType: 'mensuel',
        status: 'active',
        cancelAtPeriodEnd: false,
        duplicateOf: null,
      });
      expect(row.currentPeriodEnd).to.deep.equal(end);
      const payment = await world.rows.payment();
      expect(payment).to.include({
        userId: user.id,
        subscriptionId: row.id,
        amount: 999,
        currency: 'eur',
        status: 'succeeded',
        paymentMethodType: 'card',
      });
      expect(payment.stripePaymentIntentId).to.match(/^pi_/);
      expect(user.latest('payment_succeeded')).to.include({
        amount: 9.99,
        currency: 'eur',
        invoice_id: payment.stripeInvoiceId,
      });
      const [session] = await world.rows.checkoutSessions();
      expect(session).to.include({ status: 'completed', stripeSubscriptionId: subscription });
    }),
  );

  it(
    'of the yearly plan makes the user premium for a year',
    story(async (world) => {
      const user = await world.member();
      const end = monthsAfter(world.now, 12);

      await user.buys('annuel');

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
    'is announced the same way when Stripe begins the subscription as active',
    storyWith({ sandbox: { billing: { checkoutSubscriptionStartsAs: 'active' } } }, async (world) => {
      const user = await world.member();

      await user.buys('mensuel');

      expect(await user.account()).to.include({ reason: 'active', status: 'active' });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'with a card that is refused changes nothing until another card pays',
    story(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout('mensuel');

      const { outcome } = world.sandbox.completeCheckout({ session, card: 'declined' });
      await world.settle();

      expect(outcome).to.equal('declined');
      expect(await user.account()).to.include({ reason: 'none', until: null, status: null });
      expect(user.news()).to.deep.equal([]);
      expect(await world.rows.subscriptions()).to.deep.equal([]);

      await user.pays(session);

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'that nobody completes expires and leaves the way free for the next',
    story(async (world) => {
      const user = await world.member();
      const abandoned = await user.beginCheckout('mensuel');

      await world.advance(DAY + HOUR);

      expect((await world.rows.checkoutSessions()).map(({ status }) => status)).to.deep.equal(['expired']);
      expect(await user.account()).to.include({ reason: 'none', status: null });
      expect(user.news()).to.deep.equal([]);

      await user.buys('mensuel');

      const sessions = await world.rows.checkoutSessions();
      expect(sessions.map(({ status }) => status)).to.deep.equal(['expired', 'completed']);
      expect(sessions[1]?.stripeSessionId).not.to.equal(abandoned);
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'is refused while a subscription runs',
    story(async (world) => {
      const user = await world.member();
      await user.buys('mensuel');

      const monthly = await user.post('/api/stripe/subscription', { plan_type: 'mensuel' });
      const yearly = await user.post('/api/stripe/create-checkout-session', { plan: 'annuel' });

      expect(monthly).to.deep.include({ status: 409 });
      expect(monthly.body).to.include({ success: false, code: 'already_subscribed' });
      expect(yearly.status).to.equal(409);
      expect(await world.rows.checkoutSessions()).to.have.length(1);
    }),
  );
});
