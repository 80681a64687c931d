import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { askAdmin } from './support/operator.ts';
import { story, storyWith } from './support/story.ts';
import { type Subscriber, subscriber } from './support/subscriber.ts';
import { DAY, MINUTE } from './support/time.ts';
import { untilTrue } from './support/until.ts';
import type { World } from './support/world.ts';

/** How slow Stripe is, in milliseconds. */
const SLOW = 500;
const FLOOD = 200;

/** Makes Stripe slow for what the worker reads. @returns how often it was read */
function slowReads(world: World, path: string): () => number {
  const most = 10_000;
  world.sandbox.faults.add({ kind: 'delay', method: 'GET', path, delayMs: SLOW, times: most });
  return () => most - (world.sandbox.faults.planned.find((fault) => fault.path === path)?.times ?? 0);
}

async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const so = await poll(async () => ((await isSo()) ? true : undefined), { everyMs: SLOW / 20, timeoutMs });
  if (!so) throw new Error(`Waited in vain until ${what}`);
}

async function openTransactions(world: World): Promise<number> {
  const [row] = await world.orm.em.fork().execute<{ count: number }[]>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%'`,
  );
  return row?.count ?? 0;
}

describe('A slow Stripe', () => {
  it(
    'is asked once for all that wait for one object, and others’ refunds do not wait behind a flood of it',
    story(async (world) => {
      const flooded = await subscriber(world);
      const others: Subscriber[] = [];
      for (let i = 0; i < 5; i++) others.push(await subscriber(world));
      await world.advance(DAY);
      world.sandbox.deliveries.hold();
      for (let i = 0; i < FLOOD; i++) {
        await world.stripe.subscriptions.update(flooded.id, { cancel_at_period_end: i % 2 === 0 });
      }
      for (const { id } of others) world.sandbox.refund({ of: id });
      const readsOfSubscription = slowReads(world, '/v1/subscriptions');
      slowReads(world, '/v1/charges');
      const startedAt = performance.now();
      world.sandbox.deliveries.release();

      const open: number[] = [];
      const allHaveHeard = async (): Promise<boolean> => {
        open.push(await openTransactions(world));
        return others.every(({ user }) => user.heard().includes('payment_refunded'));
      };
      await until('everybody has heard', allHaveHeard, 20_000);
      const seconds = (performance.now() - startedAt) / 1_000;
      await world.settle();

      expect(seconds, 'seconds until everybody has heard').to.be.below(8);
      expect(readsOfSubscription(), 'reads of the flooded subscription').to.be.within(1, FLOOD / 10);
      // A transaction that waits for Stripe would be there every time one looks.
      expect(Math.min(...open), 'transactions that stand idle').to.equal(0);
      expect((await flooded.user.account()).ending).to.equal(false);
    }),
  ).timeout(60_000);

  it(
    'holds neither a lock nor a connection: another event of the same customer is applied meanwhile',
    story(async (world) => {
      const { user, id } = await subscriber(world);
      await world.advance(DAY);
      world.sandbox.deliveries.hold();
      world.sandbox.refund({ of: id });
      const reads = slowReads(world, '/v1/charges');
      world.sandbox.deliveries.release();
      await untilTrue(() => reads() > 0);
      const nothingIsLocked = async (): Promise<boolean> => {
        const [row] = await world.orm.em.fork().execute<{ count: number }[]>(
          `select count(*)::int as count from pg_locks
           where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
        );
        return row?.count === 0;
      };
      await until('nothing is locked while Stripe is slow', nothingIsLocked, SLOW * 0.8);
      expect(user.heard()).not.to.include('payment_refunded');
      await world.settle();
      expect(user.heard()).to.include('payment_refunded');
    }),
  );

  it(
    'whose answer is older than what the row shows by then is not written over it',
    story(async (world) => {
      const { id } = await subscriber(world);
      await world.advance(DAY);
      world.sandbox.deliveries.hold();
      world.sandbox.cancelAtPeriodEnd({ subscription: id });
      world.sandbox.resume({ subscription: id });
      const reads = slowReads(world, '/v1/subscriptions');
      world.sandbox.deliveries.release();
      await untilTrue(() => reads() > 0);

      // Clearly newer, while the answer about what was before is on its way.
      await world.sandbox.advance(MINUTE);
      world.sandbox.cancelAtPeriodEnd({ subscription: id });
      await world.settle();

      expect((await world.rows.subscription()).cancelAtPeriodEnd).to.equal(true);
    }),
  );
});

describe('An object that Stripe does not know', () => {
  /** An event in doubt about a subscription that is gone, as after deleting test data. */
  async function eventOfNothing(world: World, id: string): Promise<void> {
    const { data } = await world.stripe.events.list({ type: 'invoice.paid' });
    const [known] = data;
    if (!known) throw new Error('Nothing was ever paid');
    const object = JSON.parse(JSON.stringify(known.data.object).replaceAll(/sub_\w+/g, 'sub_gone'));
    const event = { ...known, id, data: { object: { ...object, id: `in_of_${id}` } } };
    expect(await world.deliver(event)).to.equal(200);
  }

  async function jobOf(world: World, id: string) {
    const job = await world.queues['stripe-events'].getJob(id);
    if (!job) throw new Error(`There is no job ${id}`);
    return job;
  }

  it(
    'is asked for twice, a minute apart; then the event has failed for good, is to be seen, and takes no turn again',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const { user, end } = await subscriber(world);
      const reads = slowReads(world, '/v1/subscriptions/sub_gone');
      const ids = ['evt_gone_1', 'evt_gone_2', 'evt_gone_3'];
      for (const id of ids) await eventOfNothing(world, id);
      for (const id of ids) await until('it is put off', async () => (await jobOf(world, id)).isDelayed());

      const asked = reads();
      expect(asked).to.be.within(1, 2);
      const job = await jobOf(world, 'evt_gone_1');
      expect(job.delay).to.be.at.least(MINUTE * 1_000);

      await world.sandbox.advance(MINUTE);
      for (const id of ids) await (await jobOf(world, id)).promote();
      for (const id of ids) await until('it has failed', async () => (await jobOf(world, id)).isFailed());
      expect(reads() - asked).to.be.within(1, 2);

      const answer = await askAdmin(world, 'GET', '/api/admin/webhook/events?state=failed');
      const { events } = answer.body.data as unknown as {
        events: { error_message: string; outcome: string }[];
      };
      expect(events).to.have.length(3);
      for (const event of events) {
        expect(event.outcome).to.equal('failed');
        expect(event.error_message).to.match(/^Stripe does not know subscription sub_gone/);
      }
      const total = reads();
      await world.advance(DAY);
      await world.maintain({ task: 'sweep' });
      expect(reads(), 'asked again').to.equal(total);
      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
    }),
  ).timeout(40_000);

  it(
    'for a moment only is read when it is there, and the event is applied',
    story(async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout('mensuel');
      world.sandbox.faults.add({ kind: 'error', method: 'GET', path: '/v1/subscriptions', status: 404 });
      world.sandbox.deliveries.hold();
      world.sandbox.completeCheckout({ session });
      const held = world.sandbox.deliveries.list();
      const first = held.find(({ type }) => type === 'invoice.paid');
      if (!first) throw new Error('Nothing was paid');
      world.sandbox.deliveries.release({ events: [first.event] });
      await until('it is put off', async () => {
        const job = await world.queues['stripe-events'].getJob(first.event);
        return (await job?.isDelayed()) ?? false;
      });

      await (await jobOf(world, first.event)).promote();
      await world.settle();
      world.sandbox.deliveries.release();
      await world.settle();
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );
});
