import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

/** When Stripe tries again after the first failure: three, eight and fifteen days later. */
const RETRIES = [3 * DAY, 8 * DAY, 15 * DAY];

/** A subscriber whose first renewal has just failed. */
async function inArrears(world: World) {
  const buyer = await subscriber(world, 'mensuel', 'failsLater');
  await world.advanceTo(buyer.end);
  await world.advance(HOUR);
  return { ...buyer, failedAt: later(buyer.end, HOUR) };
}

describe('A renewal that fails', () => {
  it(
    'leaves three days of grace, counted from the first attempt whatever the retries do',
    story(async (world) => {
      const { user, failedAt } = await inArrears(world);
      const graceEnd = later(failedAt, 3 * DAY);

      const failed = {
        until: graceEnd,
        plan: 'mensuel',
        status: 'past_due',
        ending: false,
        payments: ['9.99 eur failed', '9.99 eur succeeded'],
      };
      expect(await user.account()).to.deep.equal({ reason: 'grace', ...failed });
      expect(user.news()).to.deep.equal(['payment_failed']);
      expect(user.latest('payment_failed')).to.include({
        amount: 9.99,
        currency: 'eur',
        reason: 'Your card was declined.',
        next_attempt: graceEnd.toISOString(),
      });

      await world.advanceTo(later(graceEnd, -1));
      expect((await user.account()).reason).to.equal('grace');
      await world.advance(1);

      expect(await user.account()).to.deep.equal({ reason: 'none', ...failed });
      expect(user.news()).to.deep.equal(['payment_failed', 'premium_cancelled']);

      await world.advanceTo(later(failedAt, 8 * DAY));

      expect(await user.account()).to.deep.equal({ reason: 'none', ...failed });
      expect(user.news()).to.deep.equal(['payment_failed']);
      expect(await world.rows.payments()).to.have.length(2);
    }),
  );

  it(
    'and is paid within the days of grace never interrupts premium',
    story(async (world) => {
      const { user, customer, failedAt, end } = await inArrears(world);
      user.news();
      await world.advance(DAY);

      world.sandbox.setCard({ customer, card: 'succeeds' });
      const [, unpaid] = await world.rows.payments();
      world.sandbox.payInvoice({ invoice: String(unpaid?.stripeInvoiceId) });
      await world.settle();

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(end, 1),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
      await world.advanceTo(later(failedAt, 4 * DAY));
      expect((await user.account()).reason).to.equal('active');
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'and is paid after them brings premium back to the end of the month that was paid',
    story(async (world) => {
      const { user, customer, failedAt, end } = await inArrears(world);
      await world.advanceTo(later(failedAt, 4 * DAY));
      world.sandbox.setCard({ customer, card: 'succeeds' });
      await world.settle();
      expect((await user.account()).reason).to.equal('none');
      user.news();

      await world.advanceTo(later(failedAt, 8 * DAY));

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(end, 1),
        status: 'active',
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      expect(await world.rows.subscription()).to.include({ pastDueSince: null, pastDueInvoiceId: null });
    }),
  );

  it(
    'until Stripe gives up ends the subscription, and the end is told once',
    story(async (world) => {
      const { user, failedAt } = await inArrears(world);

      for (const wait of RETRIES) await world.advanceTo(later(failedAt, wait));

      const account = await user.account();
      expect(account).to.deep.include({
        reason: 'none',
        status: 'canceled',
        payments: ['9.99 eur failed', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal([
        'payment_failed',
        'payment_failed',
        'payment_failed',
        'payment_failed',
        'premium_cancelled',
      ]);
      expect(user.latest('payment_failed')).not.to.have.property('next_attempt');
      const row = await world.rows.subscription();
      expect(row).to.include({ status: 'canceled' });
      expect(row.endedAt).to.deep.equal(later(failedAt, 15 * DAY));
    }),
  );

  it(
    'until Stripe gives up may leave it unpaid, and paying it later brings premium back',
    storyWith({ sandbox: { billing: { afterLastRetry: 'unpaid' } } }, async (world) => {
      const { user, failedAt, end } = await inArrears(world);
      for (const wait of RETRIES) await world.advanceTo(later(failedAt, wait));
      expect(await user.account()).to.include({ reason: 'none', status: 'unpaid' });
      expect((await world.rows.subscription()).status).to.equal('unpaid');
      expect(user.news().filter((type) => type === 'premium_cancelled')).to.have.length(1);

      const [, unpaid] = await world.rows.payments();
      world.sandbox.payInvoice({ invoice: String(unpaid?.stripeInvoiceId), card: 'succeeds' });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(end, 1),
        status: 'active',
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'may stay past due for ever without ever giving another day',
    storyWith({ sandbox: { billing: { afterLastRetry: 'past_due' } } }, async (world) => {
      const { user, failedAt, end } = await inArrears(world);
      for (const wait of RETRIES) await world.advanceTo(later(failedAt, wait));
      user.news();

      await world.advanceTo(monthsAfter(end, 1));
      await world.advance(HOUR);

      expect(await user.account()).to.include({ reason: 'none', status: 'past_due' });
      expect(user.news()).to.deep.equal(['payment_failed']);
    }),
  );

  it(
    'ends premium with the failure when no grace is configured',
    storyWith({ env: { PREMIUM_GRACE_DAYS: '0' } }, async (world) => {
      const { user, failedAt } = await inArrears(world);

      expect(await user.account()).to.deep.include({ reason: 'none', until: failedAt, status: 'past_due' });
      expect(user.news()).to.deep.equal(['payment_failed', 'premium_cancelled']);
    }),
  );
});
