import { expect } from 'chai';
import { toUnixSeconds } from '../../src/shared/unix-time.ts';
import { passes } from './support/passing.ts';
import { storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

const trialStory = storyWith.bind(null, { env: { CHECKOUT_TRIAL_DAYS: '14' } });

/** A user who has begun a trial at checkout. */
async function onTrial(world: World, card = 'succeeds') {
  const user = await world.member();
  const end = later(world.now, 14 * DAY);
  const id = await user.buys('mensuel', card);
  return { user, id, end };
}

/** A user whom the dashboard gave a trial without asking for a card. */
async function onTrialWithoutCard(world: World, missingPaymentMethod: 'cancel' | 'pause' | 'create_invoice') {
  const user = await world.member();
  const end = later(world.now, 14 * DAY);
  const customer = await user.becomesCustomer();
  const given = { customer, price: PRICE_MENSUEL, trialDays: 14, missingPaymentMethod };
  const { id } = world.sandbox.createSubscription(given);
  await world.settle();
  return { user, id, end, customer };
}

describe('A trial', () => {
  it(
    'is premium until its end, without a payment',
    trialStory(async (world) => {
      const { user, end } = await onTrial(world);

      expect(await user.account()).to.deep.equal({
        reason: 'trial',
        until: end,
        plan: 'mensuel',
        status: 'trialing',
        ending: false,
        payments: [],
      });
      expect(user.news()).to.deep.equal(['premium_activated']);
      expect(await world.rows.payments()).to.deep.equal([]);
      expect((await world.rows.subscription()).trialEnd).to.deep.equal(end);
    }),
  );

  it(
    'says three days before that it ends',
    trialStory(async (world) => {
      const { user, end } = await onTrial(world);
      user.news();

      await world.advanceTo(later(end, -3 * DAY));

      expect(user.news()).to.deep.equal(['trial_ending']);
      expect(user.latest('trial_ending')).to.include({ days_left: 3, end_date: end.toISOString() });
      expect((await user.account()).reason).to.equal('trial');
    }),
  );

  it(
    'becomes a subscription when its first month is paid, without a gap',
    trialStory(async (world) => {
      const { user, end } = await onTrial(world);
      await world.advanceTo(later(end, -DAY));
      user.news();

      await world.advanceTo(end);
      expect(await user.account()).to.deep.include({
        reason: 'payment_pending',
        until: later(end, 14 * DAY),
        status: 'active',
      });
      expect(user.news()).to.deep.equal([]);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: monthsAfter(end, 1),
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'whose first month cannot be paid has the days of grace',
    trialStory(async (world) => {
      const { user, end } = await onTrial(world, 'failsLater');
      await world.advanceTo(end);
      user.news();

      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        reason: 'grace',
        until: later(end, HOUR + 3 * DAY),
        status: 'past_due',
        payments: ['9.99 eur failed'],
      });
      expect(user.news()).to.deep.equal(['payment_failed']);
    }),
  );

  it(
    'that is cancelled early ends at once',
    trialStory(async (world) => {
      const { user } = await onTrial(world);
      await world.advance(5 * DAY);
      user.news();

      await user.delete('/api/stripe/subscription', { at_period_end: false });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'none', until: world.now, status: 'canceled' });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );

  it(
    'that is cancelled for its end stays premium until then and costs nothing',
    trialStory(async (world) => {
      const { user, end } = await onTrial(world);
      await user.delete('/api/stripe/subscription');
      await world.settle();
      expect(await user.account()).to.deep.include({ reason: 'cancelled_until', until: end, ending: true });
      expect(user.news()).to.deep.equal(['premium_activated', 'premium_cancelled']);

      await world.advanceTo(end, DAY);
      await world.advance(2 * HOUR);

      expect(await user.account()).to.deep.include({ reason: 'none', status: 'canceled', payments: [] });
      expect(user.news()).to.deep.equal(['premium_cancelled', 'trial_ending']);
    }),
  );

  it(
    'is given once: whoever comes back pays at once',
    trialStory(async (world) => {
      const { user } = await onTrial(world);
      await user.delete('/api/stripe/subscription', { at_period_end: false });
      await world.settle();
      user.news();

      await user.buys('mensuel');

      expect(await user.account()).to.deep.include({ reason: 'active', payments: ['9.99 eur succeeded'] });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'that is ended early by a payment goes over into the paid month',
    trialStory(async (world) => {
      const { user, id } = await onTrial(world);
      await world.advance(5 * DAY);
      const now = world.now;

      await world.stripe.subscriptions.update(id, { trial_end: 'now' });
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(now, 1),
        status: 'active',
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.include('payment_succeeded').and.not.include('premium_cancelled');
    }),
  );
});

describe('A trial without a card', () => {
  it(
    'ends with its subscription where Stripe is told to cancel',
    storyWith({}, async (world) => {
      const { user, end } = await onTrialWithoutCard(world, 'cancel');
      expect(await user.account()).to.deep.include({ reason: 'trial', until: end });
      expect(user.news()).to.deep.equal(['premium_activated']);

      await world.advanceTo(end, DAY);

      expect(await user.account()).to.deep.include({ reason: 'none', status: 'canceled', payments: [] });
      expect(user.news()).to.deep.equal(['premium_cancelled', 'trial_ending']);
    }),
  );

  it(
    'pauses where Stripe is told to, and goes on once there is a card',
    storyWith({}, async (world) => {
      const { user, id, end, customer } = await onTrialWithoutCard(world, 'pause');
      await world.advanceTo(end, DAY);

      expect(await user.account()).to.deep.include({ reason: 'none', status: 'paused', payments: [] });
      expect((await world.rows.subscription()).status).to.equal('inactive');
      expect(user.news()).to.deep.equal(['premium_activated', 'premium_cancelled', 'trial_ending']);

      await world.advance(10 * DAY);
      world.sandbox.setCard({ customer, card: 'succeeds' });
      const { latest_invoice: invoice } = await world.stripe.subscriptions.resume(id);
      await world.stripe.invoices.pay(String(invoice));
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(world.now, 1),
        status: 'active',
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'is in arrears with its first invoice otherwise',
    storyWith({}, async (world) => {
      const { user, end } = await onTrialWithoutCard(world, 'create_invoice');
      await world.advanceTo(end);
      user.news();
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({ reason: 'grace', status: 'past_due' });
      expect(user.news()).to.deep.equal(['payment_failed']);

      await world.advance(4 * DAY);
      expect((await user.account()).reason).to.equal('none');
    }),
  );
});

describe('A trial that is made longer', () => {
  it(
    'goes on to its new end, and its old one is not announced any more',
    trialStory(async (world) => {
      const { user, id, end } = await onTrial(world);
      await world.advance(5 * DAY);
      user.news();
      const longer = later(end, 20 * DAY);

      await world.stripe.subscriptions.update(id, { trial_end: toUnixSeconds(longer) });
      await world.settle();
      expect(await user.account()).to.deep.include({ reason: 'trial', until: longer, status: 'trialing' });
      await passes(world, 25 * DAY, DAY);
      expect(user.news()).to.deep.equal([]);

      await world.advanceTo(later(longer, -3 * DAY));
      expect(user.news()).to.deep.equal(['trial_ending']);
      expect(user.latest('trial_ending')).to.include({ days_left: 3, end_date: longer.toISOString() });
      await passes(world, 3 * DAY - 600, DAY);
      await world.advanceTo(longer);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(longer, 1),
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'after its end was announced is announced again, also where Stripe does not say it twice',
    trialStory(async (world) => {
      const { user, id, end } = await onTrial(world);
      await world.advanceTo(later(end, -2 * DAY));
      expect(user.news()).to.deep.equal(['premium_activated', 'trial_ending']);
      const longer = later(end, 10 * DAY);
      await world.stripe.subscriptions.update(id, { trial_end: toUnixSeconds(longer) });
      await world.settle();
      world.sandbox.deliveries.setRules({ drop: ['customer.subscription.trial_will_end'] });

      await passes(world, 10 * DAY, 12 * HOUR);

      expect(user.news()).to.deep.equal(['trial_ending']);
      expect(user.latest('trial_ending')).to.include({ days_left: 3, end_date: longer.toISOString() });
    }),
  );

  it(
    'does not end with a late word that it would',
    trialStory(async (world) => {
      const { user, id, end } = await onTrial(world);
      await world.advanceTo(later(end, -4 * DAY));
      world.sandbox.deliveries.hold();
      await world.advance(DAY);
      await world.stripe.subscriptions.update(id, { trial_end: toUnixSeconds(later(end, 20 * DAY)) });
      user.news();

      await world.releaseFirst('customer.subscription.updated');

      expect(user.news()).to.deep.equal([]);
      expect((await user.account()).until).to.deep.equal(later(end, 20 * DAY));
    }),
  );
});

describe('A trial that is made shorter', () => {
  it(
    'ends when it now ends, says so at once, and is paid for from then on',
    trialStory(async (world) => {
      const { user, id } = await onTrial(world);
      await world.advance(DAY);
      user.news();
      const shorter = later(world.now, 2 * DAY);

      await world.stripe.subscriptions.update(id, { trial_end: toUnixSeconds(shorter) });
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'trial', until: shorter });
      expect(user.news()).to.deep.equal(['trial_ending']);
      expect(user.latest('trial_ending')).to.include({ days_left: 2, end_date: shorter.toISOString() });
      await world.advanceTo(shorter);
      await world.advance(HOUR);
      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(shorter, 1) });
    }),
  );
});

describe('Days given as a trial to a subscription that runs', () => {
  for (const billingMode of ['classic', 'flexible'] as const) {
    it(
      `make premium last as long, and are followed by the next month without a gap (${billingMode})`,
      storyWith({ sandbox: { billing: { billingMode } } }, async (world) => {
        const { user, id, end } = await subscriber(world);
        await world.advance(10 * DAY);
        const longer = later(end, 20 * DAY);

        await world.stripe.subscriptions.update(id, {
          trial_end: toUnixSeconds(longer),
          proration_behavior: 'none',
        });
        await world.settle();
        expect(await user.account()).to.deep.include({ reason: 'trial', until: longer, status: 'trialing' });
        await world.advanceTo(later(end, -600));
        await passes(world, 17 * DAY, DAY);
        expect(user.news()).to.deep.equal([]);
        await world.advanceTo(later(longer, -3 * DAY));
        expect(user.news()).to.deep.equal(['trial_ending']);

        await world.advanceTo(later(longer, -600));
        await world.maintain({ task: 'sweep' });
        expect((await user.account()).until).to.be.above(longer);
        await world.advanceTo(longer);
        expect(await user.account()).to.deep.include({
          reason: 'payment_pending',
          until: later(longer, 14 * DAY),
        });
        await world.advance(HOUR);

        expect(await user.account()).to.deep.include({
          reason: 'active',
          until: monthsAfter(longer, 1),
          payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
        });
        expect(user.news()).to.deep.equal(['payment_succeeded']);
      }),
    );

    it(
      `and taken back are over, in whatever order that is heard (${billingMode})`,
      storyWith({ sandbox: { billing: { billingMode } } }, async (world) => {
        const { user, id, end } = await subscriber(world);
        await world.advance(10 * DAY);
        const given = later(end, 60 * DAY);
        const kept = later(world.now, 30 * DAY);
        world.sandbox.deliveries.hold();
        const change = (to: Date) =>
          world.stripe.subscriptions.update(id, {
            trial_end: toUnixSeconds(to),
            proration_behavior: 'none',
          });
        await change(given);
        await world.sandbox.advance(60);
        await change(kept);
        await world.sandbox.advance(60);

        await world.releaseFirst('customer.subscription.updated');

        expect(await user.account()).to.deep.include({ reason: 'trial', until: kept });
        expect(user.news()).to.deep.equal([]);
      }),
    );
  }
});
