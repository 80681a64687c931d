import { expect } from 'chai';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

const PATH = '/api/stripe/subscription';
const RESUME = `${PATH}/resume`;

/** Without what a pause gives back by default, which would pay for the period that resuming begins. */
const WITHOUT_CREDIT = { bill_for: { unused_time_from: { type: 'none' } } } as const;

async function pausedAfterTrial(world: World) {
  const user = await world.member();
  const customer = await user.becomesCustomer();
  const given = { customer, price: PRICE_MENSUEL, trialDays: 7, missingPaymentMethod: 'pause' } as const;
  const { id } = world.sandbox.createSubscription(given);
  await world.settle();
  await world.advance(8 * DAY);
  user.news();
  return { user, customer, id };
}

describe('Taking an end back', () => {
  for (const billingMode of ['classic', 'flexible'] as const) {
    it(
      `works by whichever of Stripe's two fields says it, and is seen at once (${billingMode})`,
      story(async (world) => {
        const user = await world.member();
        const customer = await user.becomesCustomer();
        const { id } = world.sandbox.createSubscription({
          customer,
          price: PRICE_MENSUEL,
          card: 'succeeds',
          billingMode,
        });
        await world.settle();
        const { currentPeriodEnd: end } = await world.rows.subscription();
        for (const cancel of [
          () => user.delete(PATH),
          async () => world.sandbox.cancelAtPeriodEnd({ subscription: id }),
          () => world.stripe.subscriptions.update(id, { cancel_at: 'min_period_end' }),
        ]) {
          await cancel();
          await world.settle();
          expect((await user.account()).ending).to.equal(true);

          const answer = await user.post(RESUME, {});

          expect(answer.status).to.equal(200);
          expect(answer.body.data).to.include({ cancel_at_period_end: false, stripe_status: 'active' });
          expect((await user.subscription()).subscription?.cancel_at_period_end).to.equal(false);
          expect((await world.stripe.subscriptions.retrieve(id)).metadata).to.deep.equal({});
          expect((await user.post(RESUME, {})).body.code).to.equal('nothing_to_resume');
        }
        await world.advanceTo(end);
        await world.advance(2 * HOUR);
        expect(await user.account()).to.deep.include({
          reason: 'active',
          until: monthsAfter(end ?? world.now, 1),
        });
      }),
    );
  }

  it(
    'is refused to who has nothing, who has left, and whose end has come',
    story(async (world) => {
      const stranger = await world.member();
      expect((await stranger.post(RESUME, {})).body.code).to.equal('nothing_to_resume');
      const { user, end } = await subscriber(world);
      expect((await user.post(RESUME, {})).status).to.equal(409);
      await user.delete(PATH);
      await world.advanceTo(end);
      expect((await user.post(RESUME, {})).body).to.include({ success: false, code: 'nothing_to_resume' });
    }),
  );

  it(
    'leaves a duplicate that was cancelled along with it cancelled',
    story(async (world) => {
      const { user, id, customer } = await subscriber(world);
      const given = { customer, price: PRICE_MENSUEL, card: 'succeeds' };
      // Of two of one second the ids would decide which one counts.
      await world.advance(60);
      const { id: second } = world.sandbox.createSubscription(given);
      await world.settle();
      await user.delete(PATH);

      expect((await user.post(RESUME, {})).status).to.equal(200);

      expect((await world.stripe.subscriptions.retrieve(id)).cancel_at_period_end).to.equal(false);
      expect((await world.stripe.subscriptions.retrieve(second)).cancel_at_period_end).to.equal(true);
    }),
  );

  it(
    'keeps a change of plan that a schedule holds',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      const made = await world.stripe.subscriptionSchedules.create({ from_subscription: id });
      await world.stripe.subscriptionSchedules.update(made.id, { end_behavior: 'cancel' });
      await world.settle();

      expect((await user.post(RESUME, {})).status).to.equal(200);

      const { schedule, cancel_at } = await world.stripe.subscriptions.retrieve(id);
      expect(schedule).to.equal(made.id);
      expect(cancel_at).to.equal(null);
    }),
  );
});

describe('A paused subscription', () => {
  it(
    'cannot be bought anew, is resumed and paid for, and gives premium again',
    story(async (world) => {
      const { user, customer } = await pausedAfterTrial(world);
      world.sandbox.setCard({ customer, card: 'succeeds' });
      const refused = await user.post(PATH, { plan_type: 'mensuel' });
      expect(refused.status).to.equal(409);
      expect(refused.body.code).to.equal('subscription_paused');

      const answer = await user.post(RESUME, {});

      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      expect(answer.body.data).to.include({ stripe_status: 'active' });
      expect((await user.subscription()).subscription?.stripe_status).to.equal('active');
      await world.settle();
      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(world.now, 1),
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );

  it(
    'is not resumed without anything to pay with, and nothing changes',
    story(async (world) => {
      const { user, id } = await pausedAfterTrial(world);
      const answer = await user.post(RESUME, {});
      expect(answer.status).to.equal(409);
      expect(answer.body.code).to.equal('payment_method_missing');
      expect((await world.stripe.subscriptions.retrieve(id)).status).to.equal('paused');
      expect((await world.stripe.invoices.list({ subscription: id, status: 'open' })).data).to.deep.equal([]);
    }),
  );

  it(
    'whose payment is refused says so, and can be left without paying',
    story(async (world) => {
      const { user, customer, id } = await pausedAfterTrial(world);
      world.sandbox.setCard({ customer, card: 'declined' });

      const answer = await user.post(RESUME, {});

      expect(answer.status).to.equal(402);
      expect(answer.body.code).to.equal('payment_failed');
      await world.settle();
      expect((await user.account()).status).to.equal('past_due');
      expect((await user.delete(PATH)).status).to.equal(200);
      expect((await world.stripe.invoices.list({ subscription: id, status: 'open' })).data).to.deep.equal([]);
    }),
  );

  it(
    'whose bank wants a confirmation leads to where it is given',
    story(async (world) => {
      const { user, customer, id } = await pausedAfterTrial(world);
      world.sandbox.setCard({ customer, card: 'alwaysAuthentication' });

      const answer = await user.post(RESUME, {});

      expect(answer.status).to.equal(402);
      expect(answer.body.code).to.equal('payment_action_required');
      const { latest_invoice: invoice } = await world.stripe.subscriptions.retrieve(id);
      expect((answer.body.data as { url: string }).url).to.match(new RegExp(`/i/${String(invoice)}$`));
      world.sandbox.authenticate({ id: String(invoice), accept: true });
      await world.settle();
      expect(await user.account()).to.deep.include({ reason: 'active', status: 'active' });
    }),
  );

  it(
    'is resumed once however often it is asked at once',
    story(async (world) => {
      const { user, customer, id } = await pausedAfterTrial(world);
      world.sandbox.setCard({ customer, card: 'succeeds' });

      const answers = await Promise.all([1, 2, 3].map(() => user.post(RESUME, {})));

      expect(answers.map(({ status }) => status)).to.include(200);
      for (const { status } of answers) expect(status).to.be.oneOf([200, 409]);
      await world.settle();
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
      expect((await world.stripe.subscriptions.retrieve(id)).status).to.equal('active');
    }),
  );

  for (const atPeriodEnd of [true, false]) {
    it(
      `is ended by leaving (at_period_end ${atPeriodEnd}), and one can buy again`,
      story(async (world) => {
        const { user, id } = await subscriber(world);
        await world.stripe.subscriptions.pause(id, WITHOUT_CREDIT);
        await world.settle();

        const answer = await user.delete(PATH, { at_period_end: atPeriodEnd });

        expect(answer.status).to.equal(200);
        expect((await world.stripe.subscriptions.retrieve(id)).status).to.equal('canceled');
        await user.buys('annuel');
        expect(await user.account()).to.deep.include({ reason: 'active', plan: 'annuel' });
      }),
    );
  }

  it(
    'by a paused collection goes on as well',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      await world.stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } });
      await world.settle();
      expect((await user.post(PATH, { plan_type: 'annuel' })).body.code).to.equal('subscription_paused');

      expect((await user.post(RESUME, {})).status).to.equal(200);

      expect((await world.rows.subscription()).collectionPaused).to.equal(false);
      await world.advanceTo(end);
      await world.advance(2 * HOUR);
      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
    }),
  );
});
