import { expect } from 'chai';
import { story } from './support/story.ts';
import { DAY, HOUR, later, MINUTE, monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL } from './support/world.ts';

describe('A payment that the bank wants confirmed', () => {
  it(
    'at checkout counts once it is confirmed',
    story(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout('mensuel');
      const asked = world.sandbox.completeCheckout({ session, card: 'authentication' });
      await world.settle();
      expect(asked.outcome).to.equal('requires_action');
      expect(await user.account()).to.deep.include({ reason: 'none', status: null, payments: [] });
      await world.advance(2 * MINUTE);

      world.sandbox.authenticate({ id: session, accept: true });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(world.now, 1),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'at checkout and is not makes nobody premium',
    story(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout('mensuel');

      world.sandbox.completeCheckout({ session, card: 'authentication', authenticate: false });
      await world.advance(DAY + HOUR);

      expect(await user.account()).to.deep.include({ reason: 'none', status: null });
      expect(user.news()).to.deep.equal([]);
      expect((await world.rows.checkoutSessions()).map(({ status }) => status)).to.deep.equal(['expired']);
    }),
  );

  it(
    'on renewal tells the user where, and leaves the days of grace to do it',
    story(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout('mensuel');
      await user.pays(session, { card: 'alwaysAuthentication', authenticate: true });
      user.news();
      const { currentPeriodEnd: end } = await world.rows.subscription();

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        reason: 'grace',
        until: later(end, HOUR + 3 * DAY),
        status: 'past_due',
        payments: ['9.99 eur failed', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_action_required', 'payment_failed']);
      const notice = user.latest('payment_action_required');
      expect(notice).to.include({ amount: 9.99, currency: 'eur' });
      expect(notice.url).to.equal(`${world.sandbox.url}/i/${String(notice.invoice_id)}`);

      await world.advance(DAY);
      world.sandbox.authenticate({ id: String(notice.invoice_id), accept: true });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(end ?? world.now, 1),
        status: 'active',
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );
});

describe('A subscription whose first payment waits', () => {
  it(
    'is not premium until the payment is confirmed',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      const given = { customer, price: PRICE_MENSUEL, card: 'alwaysAuthentication' };
      const { latest_invoice: invoice } = world.sandbox.createSubscription(given);
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'none',
        until: null,
        status: 'incomplete',
        payments: ['9.99 eur failed'],
      });
      expect((await world.rows.subscription()).status).to.equal('inactive');
      expect(user.news()).to.deep.equal(['payment_action_required', 'payment_failed']);

      world.sandbox.authenticate({ id: String(invoice), accept: true });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        status: 'active',
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'expires after a day without ever having been premium, and leaves the way free for the next',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      world.sandbox.createSubscription({ customer, price: PRICE_MENSUEL, card: 'declined' });
      await world.settle();
      expect(user.news()).to.deep.equal(['payment_failed']);

      await world.advance(DAY);

      expect(await user.account()).to.deep.include({
        reason: 'none',
        until: null,
        status: 'incomplete_expired',
        payments: ['9.99 eur canceled'],
      });
      expect(user.news()).to.deep.equal([]);

      await user.buys('mensuel');
      expect((await user.account()).reason).to.equal('active');
    }),
  );
});
