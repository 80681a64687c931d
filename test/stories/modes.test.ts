import { expect } from 'chai';
import { pino } from 'pino';
import { sessionMarksOf } from '../../src/shared/stripe/index.ts';
import { Catalog } from '../../src/workers/events/catalog.ts';
import { createFollow } from '../../src/workers/events/follow.ts';
import { queueMessages } from '../../src/workers/events/outbox.ts';
import { checkDrift, type DriftOptions, type DriftReport } from '../../src/workers/maintenance/drift.ts';
import { createPace } from '../../src/workers/maintenance/pace.ts';
import type { Member } from './support/member.ts';
import { askAdmin, runOperatorCommand } from './support/operator.ts';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { monthsAfter } from './support/time.ts';
import { PRICE_ANNUEL, PRICE_MENSUEL, type World } from './support/world.ts';

/**
 * A subscription that was bought under another key: our rows show it, and the Stripe of this story knows nothing of it.
 * @param livemode as noted; null as the old service left it
 */
async function subscribedElsewhere(world: World, livemode: boolean | null): Promise<Member> {
  const { user } = await subscriber(world);
  const em = world.orm.em.fork();
  for (const [table, column] of [
    ['subscriptions', 'stripe_subscription_id'],
    ['subscriptions', 'stripe_customer_id'],
    ['customers', 'stripe_customer_id'],
    ['payments', 'stripe_payment_intent_id'],
  ]) {
    await em.execute(
      `update ${table} set ${column} = ${column} || '_elsewhere', livemode = ? where user_id = ?`,
      [livemode, user.id],
    );
  }
  world.sandbox.reset();
  return user;
}

/** Stripe's words for what exists in the other mode only. */
function knowsItInLiveMode(world: World, path: string): void {
  world.sandbox.faults.add({
    kind: 'error',
    status: 404,
    path,
    method: 'GET',
    error: {
      type: 'invalid_request_error',
      code: 'resource_missing',
      param: 'id',
      message:
        "No such object: 'x'; a similar object exists in live mode, but a test mode key was used to make this request.",
    },
  });
}

/** Runs the comparison as `npm run drift` does, without its minute. */
async function drift(
  world: World,
  options: DriftOptions,
  given: { prices?: string; wait?: () => void } = {},
): Promise<DriftReport & { waitedMs: number }> {
  let waitedMs = 0;
  const report = await checkDrift(
    {
      orm: world.orm,
      stripe: world.stripe,
      livemode: false,
      catalog: new Catalog(
        { mensuel: given.prices ?? PRICE_MENSUEL, annuel: given.prices ?? PRICE_ANNUEL },
        sessionMarksOf(world.orm),
      ),
      policy: { graceDays: 3, processingDays: 14, onRefund: 'keep', onDispute: 'keep' },
      clock: world.clock,
      logger: pino({ level: 'silent' }),
      pace: createPace(1_000),
      follow: createFollow({
        orm: world.orm,
        events: world.queues['stripe-events'],
        maintenance: world.queues.maintenance,
        send: (messages) => queueMessages(world.queues.notifications, messages),
        logger: pino({ level: 'silent' }),
      }),
      wait: async (ms) => {
        waitedMs += ms;
        given.wait?.();
      },
    },
    options,
  );
  return { ...report, waitedMs };
}

async function statuses(world: World): Promise<string[]> {
  return (await world.rows.subscriptions()).map((row) => row.status);
}

describe('A subscription of the other mode', () => {
  it(
    'neither blocks a purchase, nor is cancelled, nor gives premium, nor holds the live slot',
    story(async (world) => {
      const user = await subscribedElsewhere(world, true);

      expect(await user.account()).to.deep.include({ plan: null, payments: [] });
      const nothing = await user.delete('/api/stripe/subscription');
      expect(nothing.body).to.include({ success: false, code: 'nothing_to_cancel' });
      expect((await user.get('/api/stripe/subscription/billing-portal')).status).to.equal(404);
      const own = await user.buys('annuel');

      const rows = await world.rows.subscriptions();
      expect(rows.map((row) => [row.status, row.livemode, row.duplicateOf])).to.deep.equal([
        ['active', true, null],
        ['active', false, null],
      ]);
      expect(await user.account()).to.deep.include({
        plan: 'annuel',
        until: monthsAfter(world.now, 12),
        payments: ['99.99 eur succeeded'],
      });
      const attention = await askAdmin(world, 'GET', '/api/admin/attention');
      expect(attention.body.data).to.deep.include({ duplicate_subscriptions: [] });
      expect((await user.delete('/api/stripe/subscription', { at_period_end: false })).status).to.equal(200);
      await world.settle();
      expect((await world.stripe.subscriptions.retrieve(own)).status).to.equal('canceled');
      expect((await user.account()).reason).to.equal('none');
    }),
  );

  it(
    'gives no premium any more once rows are compared with Stripe; what somebody else wrote stays',
    story(async (world) => {
      const user = await subscribedElsewhere(world, true);
      const given = await subscribedElsewhere(world, true);
      const gift = monthsAfter(world.now, 5);
      await world.orm.em
        .fork()
        .execute('update users set premium = ? where id = ?', [gift.toISOString(), given.id]);

      const { drifts } = await drift(world, { fix: true });

      expect(drifts.map(({ cause, userId, healed }) => [cause, userId, healed])).to.deep.equal([
        ['premium_differs', user.id, true],
      ]);
      expect(await world.rows.premium(user.id)).to.equal(null);
      expect(await world.rows.premium(given.id)).to.deep.equal(gift);
      expect(user.news()).to.deep.equal([]);
      expect(await statuses(world)).to.deep.equal(['active', 'active']);
    }),
  );

  it(
    'whose mode nobody noted counts as ours until Stripe is asked, by a purchase or a cancellation',
    story(async (world) => {
      const buyer = await subscribedElsewhere(world, null);
      const leaver = await subscribedElsewhere(world, null);
      expect((await buyer.account()).plan).to.equal('mensuel');
      knowsItInLiveMode(world, '/v1/subscriptions/');
      knowsItInLiveMode(world, '/v1/customers/');

      await buyer.buys();
      expect((await buyer.account()).payments).to.deep.equal(['9.99 eur succeeded']);

      knowsItInLiveMode(world, '/v1/subscriptions/');
      const nothing = await leaver.delete('/api/stripe/subscription');
      expect(nothing.body).to.include({ success: false, code: 'nothing_to_cancel' });

      const rows = await world.rows.subscriptions();
      expect(rows.map((row) => [row.userId, row.livemode])).to.deep.equal([
        [buyer.id, true],
        [leaver.id, true],
        [buyer.id, false],
      ]);
      const [old] = await world.rows.customers();
      // It exists, where our key cannot see it: that is no deletion.
      expect(old).to.include({ livemode: true, preferred: false, deletedAt: null });
    }),
  );

  it(
    'is told apart from one of ours by the backfill, customers and payments with it',
    story(async (world) => {
      await subscribedElsewhere(world, null);
      const { user } = await subscriber(world);
      for (const table of ['subscriptions', 'payments', 'customers'])
        await world.orm.em.fork().execute(`update ${table} set livemode = null`);

      const run = await runOperatorCommand(world, 'backfill');

      expect(run.code).to.equal(0);
      expect((await world.rows.subscriptions()).map((row) => row.livemode)).to.deep.equal([null, false]);
      expect((await world.rows.customers()).map((row) => row.livemode)).to.deep.equal([null, false]);
      expect((await world.rows.payments()).map((row) => row.livemode)).to.have.members([false, null]);
      const again = await user.post('/api/stripe/subscription', { plan_type: 'mensuel' });
      expect(again.body.code).to.equal('already_subscribed');
    }),
  );
});

describe('A subscription that Stripe does not know', () => {
  it(
    'is ended by drift --fix, which asks twice, a minute apart; and the user can buy again',
    story(async (world) => {
      const user = await subscribedElsewhere(world, false);
      const refused = await user.post('/api/stripe/subscription', { plan_type: 'mensuel' });
      expect(refused.body.code).to.equal('already_subscribed');
      expect((await drift(world, {})).drifts.map(({ cause, healed }) => [cause, healed])).to.deep.equal([
        ['unknown_at_stripe', false],
      ]);
      expect(await statuses(world)).to.deep.equal(['active']);

      const { drifts, waitedMs, stopped } = await drift(world, { fix: true });

      expect(drifts.map(({ cause, healed }) => [cause, healed])).to.deep.equal([['unknown_at_stripe', true]]);
      expect(waitedMs).to.equal(60_000);
      expect(stopped).to.equal(null);
      expect((await world.rows.subscription()).endedAt).to.deep.equal(world.now);
      expect((await user.account()).reason).to.equal('none');
      await user.buys();
      expect((await user.account()).reason).to.equal('active');
    }),
  );

  it(
    'is left alone under a key that does not know our prices either: a wrong key ends nobody',
    story(async (world) => {
      await subscribedElsewhere(world, false);

      const { drifts, stopped, waitedMs } = await drift(world, { fix: true }, { prices: 'price_other' });

      expect(drifts.map(({ cause, healed }) => [cause, healed])).to.deep.equal([
        ['unknown_at_stripe', false],
      ]);
      expect(stopped).to.match(/does not know the configured price price_other.*STRIPE_SECRET_KEY/);
      expect(waitedMs).to.equal(0);
      expect(await statuses(world)).to.deep.equal(['active']);
    }),
  );

  it(
    'is left alone when Stripe knows our prices the first time only',
    story(async (world) => {
      await subscribedElsewhere(world, false);
      const fault = { kind: 'error', status: 404, path: '/v1/prices', times: 1 } as const;

      const { stopped } = await drift(world, { fix: true }, { wait: () => world.sandbox.faults.add(fault) });

      expect(stopped).to.match(/nothing was ended/);
      expect(await statuses(world)).to.deep.equal(['active']);
    }),
  );

  it(
    'one of more than twenty is for a person to judge, who then says so',
    story(async (world) => {
      const user = await subscribedElsewhere(world, false);
      await world.orm.em.fork().execute(
        `insert into subscriptions (user_id, stripe_subscription_id, stripe_customer_id, plan_type, status, livemode,
           duplicate_of, cancel_at_period_end)
         select user_id, 'sub_more_' || n, stripe_customer_id, plan_type, status, livemode, id, false
         from subscriptions, generate_series(1, 20) as n`,
      );

      const asked = await drift(world, { fix: true });
      expect(asked.stopped).to.match(/does not know 21 of the 21 .*--end-all/);
      expect(new Set(await statuses(world))).to.deep.equal(new Set(['active']));

      const done = await drift(world, { fix: true, endAll: true });
      expect(done.stopped).to.equal(null);
      expect(new Set(await statuses(world))).to.deep.equal(new Set(['canceled']));
      expect((await user.account()).reason).to.equal('none');
    }),
  );
});
