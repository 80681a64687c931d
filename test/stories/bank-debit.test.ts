import { expect } from 'chai';
import type { Member } from './support/member.ts';
import { askAdmin } from './support/operator.ts';
import { passes } from './support/passing.ts';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, MINUTE, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

/** As long as the bank takes at most, by Stripe's word. */
const SLOW_BANK = { sandbox: { billing: { delayedPaymentSeconds: 13 * DAY } } };

/** A user who pays by debit, whose first one has succeeded, in the moment in which the renewal's is sent to the bank. */
async function debited(world: World, card: string) {
  const buyer = await subscriber(world, 'mensuel', card);
  world.sandbox.settlePayment({ invoice: await latestInvoice(world, buyer.id), succeeds: true });
  await world.settle();
  await world.advanceTo(later(buyer.end, -10 * MINUTE));
  await world.maintain({ task: 'sweep' });
  await world.advanceTo(buyer.end);
  await world.advance(HOUR);
  const { user } = buyer;
  expect(user.news()).to.deep.equal(['payment_pending', 'payment_succeeded']);
  return { ...buyer, sentAt: world.now, invoice: await latestInvoice(world, buyer.id) };
}

async function latestInvoice(world: World, subscription: string): Promise<string> {
  const { latest_invoice: invoice } = await world.stripe.subscriptions.retrieve(subscription);
  return typeof invoice === 'string' ? invoice : (invoice?.id ?? '');
}

async function firstPaymentsFailed(world: World): Promise<unknown> {
  const { body } = await askAdmin(world, 'GET', '/api/admin/attention');
  return (body.data as unknown as { first_payment_failed: unknown }).first_payment_failed;
}

/** A user who has just bought by debit, with the debit at the bank. */
async function buyer(world: World, card: string): Promise<{ user: Member; id: string; boughtAt: Date }> {
  const user = await world.member();
  const id = await user.buys('mensuel', card);
  return { user, id, boughtAt: world.now };
}

describe('A renewal by bank debit', () => {
  it(
    'never interrupts premium while the bank takes its time, and is shown as pending',
    storyWith(SLOW_BANK, async (world) => {
      const { user, end } = await debited(world, 'sepaSucceeds');

      const pending = {
        reason: 'payment_pending',
        until: later(end, 14 * DAY),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur pending', '9.99 eur succeeded'],
      };
      expect(await user.account()).to.deep.equal(pending);
      expect(user.latest('payment_pending')).to.include({ amount: 9.99, currency: 'eur' });
      await passes(world, 12 * DAY, 6 * HOUR);
      expect(await user.account()).to.deep.equal(pending);
      await world.advance(DAY);

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(end, 1),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
      expect(await world.rows.payments()).to.have.length(2);
    }),
  );

  for (const days of [3, 10, 13]) {
    it(
      `that comes back after ${days} days has its grace from then on, and is not tried again`,
      storyWith({ sandbox: { billing: { delayedPaymentSeconds: days * DAY } } }, async (world) => {
        const { user, end, sentAt } = await debited(world, 'sepaFailsLater');
        const failedAt = later(sentAt, days * DAY);
        await passes(world, days * DAY, DAY);

        expect(await user.account()).to.deep.include({
          reason: 'grace',
          until: later(failedAt, 3 * DAY),
          status: 'past_due',
          payments: ['9.99 eur failed', '9.99 eur succeeded'],
        });
        expect(user.news()).to.deep.equal(['payment_failed']);
        expect(user.latest('payment_failed')).not.to.have.property('next_attempt');

        await passes(world, 4 * DAY, DAY);

        expect(await user.account()).to.include({ reason: 'none', status: 'past_due' });
        expect(user.news()).to.deep.equal(['premium_cancelled']);
        expect(end).to.be.below(failedAt);
      }),
    );
  }

  it(
    'that nobody ever hears of again ends premium after the days it may take, and not before',
    storyWith({ sandbox: { billing: { delayedPaymentSeconds: 40 * DAY } } }, async (world) => {
      const { user, end } = await debited(world, 'sepaSucceeds');

      await passes(world, 14 * DAY - HOUR - 1, DAY);
      expect((await user.account()).reason).to.equal('payment_pending');
      expect(user.news()).to.deep.equal([]);
      await world.advance(2);
      await world.maintain({ task: 'sweep' });

      expect(await user.account()).to.deep.include({ reason: 'none', until: later(end, 14 * DAY) });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );

  it(
    'may take as many days as is configured',
    storyWith({ ...SLOW_BANK, env: { PREMIUM_PROCESSING_DAYS: '5' } }, async (world) => {
      const { user, end } = await debited(world, 'sepaSucceeds');
      expect((await user.account()).until).to.deep.equal(later(end, 5 * DAY));

      await passes(world, 6 * DAY, DAY);

      expect((await user.account()).reason).to.equal('none');
      await world.advance(7 * DAY);
      expect((await user.account()).until).to.deep.equal(monthsAfter(end, 1));
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated', 'premium_cancelled']);
    }),
  );

  it(
    'is no failed payment to whoever reads it from Stripe while it is under way',
    storyWith(SLOW_BANK, async (world) => {
      const { user, id } = await debited(world, 'sepaSucceeds');
      const before = await user.account();

      await world.maintain({ task: 'sync-subscription', stripeSubscriptionId: id });
      await world.maintain({ task: 'sync-payments', userId: user.id });
      await world.maintain({ task: 'drift' });

      expect(await user.account()).to.deep.equal(before);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'is premium again where it was ended while renewals were thought to take hours',
    storyWith(SLOW_BANK, async (world) => {
      const { user, end } = await debited(world, 'sepaSucceeds');
      await world.advance(2 * DAY);
      await world.orm.em.fork().execute('update users set premium = ?', [later(end, 6 * HOUR).toISOString()]);
      expect((await user.account()).reason).to.equal('none');

      await world.maintain({ task: 'sweep' });

      expect(await user.account()).to.deep.include({
        reason: 'payment_pending',
        until: later(end, 14 * DAY),
      });
      expect(user.news()).to.deep.equal(['premium_activated']);
    }),
  );

  it(
    'that failed and is tried by another debit shows that one as pending, and has no more than its grace',
    storyWith({ sandbox: { billing: { delayedPaymentSeconds: 5 * DAY } } }, async (world) => {
      const { user, invoice } = await debited(world, 'sepaFailsLater');
      await world.advance(5 * DAY);
      const graceEnd = later(world.now, 3 * DAY);
      user.news();

      world.sandbox.payInvoice({ invoice, card: 'sepaSucceeds' });
      await world.settle();
      expect(await user.account()).to.deep.include({
        reason: 'grace',
        until: graceEnd,
        payments: ['9.99 eur pending', '9.99 eur succeeded'],
      });
      await passes(world, 5 * DAY, DAY);

      expect(await user.account()).to.include({ reason: 'active', status: 'active' });
      expect(user.news()).to.include.members(['payment_succeeded', 'premium_activated', 'premium_cancelled']);
    }),
  );
});

describe('A first bank debit', () => {
  it(
    'is premium at once, is told to be under way, and then to have succeeded',
    story(async (world) => {
      const { user, boughtAt } = await buyer(world, 'sepaSucceeds');

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(boughtAt, 1),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur pending'],
      });
      expect(user.news()).to.deep.equal(['payment_pending', 'premium_activated']);
      await world.advance(4 * DAY);

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  for (const announcesFirstDebitFailure of [true, false]) {
    const how = announcesFirstDebitFailure ? 'as failed and voided' : 'as voided only';
    it(
      `that comes back (told ${how}) ends what was given on trust, although Stripe calls it active`,
      storyWith({ sandbox: { billing: { announcesFirstDebitFailure } } }, async (world) => {
        const { user, id, boughtAt } = await buyer(world, 'sepaFails');
        user.news();
        const failedAt = later(boughtAt, 3 * DAY);
        await world.advanceTo(failedAt);

        const ended = {
          reason: 'none',
          until: failedAt,
          plan: 'mensuel',
          status: 'active',
          ending: false,
          payments: ['9.99 eur canceled'],
        };
        expect(await user.account()).to.deep.equal(ended);
        expect(user.news()).to.deep.equal(
          announcesFirstDebitFailure ? ['payment_failed', 'premium_cancelled'] : ['premium_cancelled'],
        );

        await world.advance(DAY);
        await world.stripe.subscriptions.update(id, { metadata: { seen: 'yes' } });
        await passes(world, 20 * DAY, DAY);
        await world.maintain({ task: 'sync-subscription', stripeSubscriptionId: id });

        expect(await user.account()).to.deep.equal(ended);
        expect(user.news()).to.deep.equal([]);
      }),
    );
  }

  it(
    'that comes back ends it in whatever order that is heard, also after Stripe said active again',
    story(async (world) => {
      const { user, id, boughtAt } = await buyer(world, 'sepaFails');
      user.news();
      world.sandbox.deliveries.hold();
      const failedAt = later(boughtAt, 3 * DAY);
      await world.advanceTo(failedAt);
      await world.advance(DAY);
      await world.stripe.subscriptions.update(id, { metadata: { seen: 'yes' } });

      await world.releaseFirst('customer.subscription.updated', 'invoice.voided');

      expect(await user.account()).to.deep.include({ reason: 'none', until: failedAt, status: 'active' });
      expect(user.news()).to.deep.equal(['payment_failed', 'premium_cancelled']);
    }),
  );

  it(
    'that comes back leaves the second month to be paid for before anything is given',
    storyWith({ sandbox: { billing: { delayedPaymentSeconds: 6 * DAY } } }, async (world) => {
      const { user, id, boughtAt } = await buyer(world, 'sepaFails');
      const customer = (await world.rows.subscription()).stripeCustomerId;
      await world.advance(6 * DAY);
      world.sandbox.setCard({ customer, card: 'sepaSucceeds' });
      await world.settle();
      user.news();
      const end = monthsAfter(boughtAt, 1);
      const unpaid = [{ user_id: user.id, stripe_subscription_id: id, since: world.now.toISOString() }];
      expect(await firstPaymentsFailed(world)).to.deep.equal(unpaid);

      await world.advanceTo(later(end, -10 * MINUTE));
      await world.maintain({ task: 'sweep' });
      await world.advanceTo(later(end, HOUR));
      expect(await user.account()).to.deep.include({
        reason: 'none',
        payments: ['9.99 eur pending', '9.99 eur canceled'],
      });
      await passes(world, 6 * DAY, DAY);

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(end, 1),
        payments: ['9.99 eur succeeded', '9.99 eur canceled'],
      });
      expect(user.news()).to.deep.equal(['payment_pending', 'payment_succeeded', 'premium_activated']);
      expect(await firstPaymentsFailed(world)).to.deep.equal([]);
    }),
  );
});

describe('The first debit after a trial', () => {
  const trial = { env: { CHECKOUT_TRIAL_DAYS: '14' } };

  it(
    'lets premium go on until it succeeds',
    storyWith({ ...trial, ...SLOW_BANK }, async (world) => {
      const { user, boughtAt } = await buyer(world, 'sepaSucceeds');
      const end = later(boughtAt, 14 * DAY);
      await passes(world, 14 * DAY - 10 * MINUTE, DAY);
      expect(user.news()).to.deep.equal(['premium_activated', 'trial_ending']);

      await world.advanceTo(later(end, HOUR));
      expect(await user.account()).to.deep.include({
        reason: 'payment_pending',
        until: later(end, 14 * DAY),
        payments: ['9.99 eur pending'],
      });
      await passes(world, 13 * DAY, DAY);

      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal(['payment_pending', 'payment_succeeded']);
    }),
  );

  it(
    'that comes back has the days of grace',
    storyWith(trial, async (world) => {
      const { user, boughtAt } = await buyer(world, 'sepaFails');
      await world.advanceTo(later(boughtAt, 14 * DAY + HOUR));
      user.news();
      await world.advance(3 * DAY);

      expect(await user.account()).to.deep.include({
        reason: 'grace',
        until: later(world.now, 3 * DAY),
        payments: ['9.99 eur failed'],
      });
      expect(user.news()).to.deep.equal(['payment_failed']);
    }),
  );
});
