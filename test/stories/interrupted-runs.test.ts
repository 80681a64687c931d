import { expect } from 'chai';
import { DAY, HOUR, SECOND } from '../../src/shared/duration.ts';
import { runOperatorCommand } from './support/operator.ts';
import { story, storyWith } from './support/story.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

const HOURS = HOUR / SECOND;
const DAYS = DAY / SECOND;

/** Enough events of others for a second page of Stripe's list. */
async function fillPage(world: World): Promise<void> {
  for (let i = 0; i < 105; i++) await world.stripe.customers.create({ email: `other-${i}@example.com` });
}

/** Nothing that Stripe sends arrives any more. */
function cutOff(world: World): void {
  world.sandbox.deliveries.setRules({ drop: ['*'] });
}

/** The next run through a list gets one page and is refused the second. */
function failSecondPage(world: World, path: string): void {
  world.sandbox.faults.add({ kind: 'error', status: 403, path, after: 1 });
}

async function runDies(world: World): Promise<void> {
  failSecondPage(world, '/v1/events');
  const died = await world.maintain({ task: 'reconcile' }).then(
    () => false,
    () => true,
  );
  expect(died, 'the run was to die').to.equal(true);
}

async function paidUsers(world: World): Promise<number[]> {
  return (await world.rows.payments()).map(({ userId }) => userId).sort((a, b) => a - b);
}

describe('A comparison with Stripe that is stopped after its first page', () => {
  it(
    'leaves nothing out: neither the pages it had not read, nor what happened before the next one',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const [before, during] = [await world.member(), await world.member()];
      cutOff(world);
      await before.buys();
      await fillPage(world);
      await runDies(world);

      await world.advance(5 * HOURS);
      await during.buys();
      await world.advance(5 * HOURS);
      await world.maintain({ task: 'reconcile' });

      expect(await paidUsers(world)).to.deep.equal([before.id, during.id]);
    }),
  );

  it(
    'leaves nothing out when the next one is stopped as well, in what came since',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const [first, second, third] = [await world.member(), await world.member(), await world.member()];
      cutOff(world);
      await first.buys();
      await fillPage(world);
      await runDies(world);
      await world.advance(6 * HOURS);
      await second.buys();
      await fillPage(world);
      // The rest of the stopped run is one page, then come two of what happened since.
      await runDies(world);
      await world.advance(6 * HOURS);
      await third.buys();

      await world.maintain({ task: 'reconcile' });

      expect(await paidUsers(world)).to.deep.equal([first.id, second.id, third.id]);
    }),
  );

  it(
    'is begun again when Stripe no longer knows the event it was at',
    storyWith({ leavesUnapplied: true }, async (world) => {
      cutOff(world);
      await fillPage(world);
      await runDies(world);
      await world.advance(31 * DAYS);
      const user = await world.member();
      await user.buys();

      await world.maintain({ task: 'reconcile' });
      await world.maintain({ task: 'reconcile' });

      expect(await paidUsers(world)).to.deep.equal([user.id]);
    }),
  );

  it(
    'does not keep the operator’s command from reaching further back',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const user = await world.member();
      cutOff(world);
      await user.buys();
      await world.advance(2 * DAYS);
      await fillPage(world);
      failSecondPage(world, '/v1/events');
      expect((await runOperatorCommand(world, 'reconcile', ['--since', '1d'])).code).to.equal(1);

      expect((await runOperatorCommand(world, 'reconcile', ['--since', '7d'])).code).to.equal(0);
      await world.settle();

      expect(await paidUsers(world)).to.deep.equal([user.id]);
    }),
  );

  it(
    'leaves no place to go on from when it was a dry run',
    storyWith({ leavesUnapplied: true }, async (world) => {
      cutOff(world);
      await fillPage(world);
      const user = await world.member();
      await user.buys();
      failSecondPage(world, '/v1/events');
      expect((await runOperatorCommand(world, 'reconcile', ['--dry-run'])).code).to.equal(1);

      expect((await runOperatorCommand(world, 'reconcile')).code).to.equal(0);
      await world.settle();

      expect(await paidUsers(world)).to.deep.equal([user.id]);
    }),
  );
});

describe('A comparison with Stripe', () => {
  it(
    'leaves nothing out while another one is under way',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const [before, during] = [await world.member(), await world.member()];
      cutOff(world);
      await before.buys();
      await fillPage(world);
      // The first waits before its second page until the other one is through.
      world.sandbox.faults.add({ kind: 'delay', delayMs: 2_000, path: '/v1/events', after: 1 });
      const slow = world.maintain({ task: 'reconcile' });
      await world.maintain({ task: 'reconcile' });
      await slow;
      await world.advance(10 * HOURS);
      await during.buys();

      await world.maintain({ task: 'reconcile' });

      expect(await paidUsers(world)).to.deep.equal([before.id, during.id]);
    }),
  );

  it(
    'finds what Stripe lists late',
    storyWith({ leavesUnapplied: true, sandbox: { eventsListedAfterSeconds: HOURS } }, async (world) => {
      const user = await world.member();
      cutOff(world);
      await user.buys();
      await world.maintain({ task: 'reconcile' });
      expect(await paidUsers(world)).to.deep.equal([]);

      await world.advance(HOURS);
      await world.maintain({ task: 'reconcile' });

      expect(await paidUsers(world)).to.deep.equal([user.id]);
    }),
  );
});

describe('A backfill that is stopped after its first page', () => {
  it(
    'reads the rest when it is run again, and what was bought before that',
    story(async (world) => {
      const [before, during] = [await world.member(), await world.member()];
      cutOff(world);
      const first = await before.buys();
      for (let i = 0; i < 100; i++) {
        const customer = await world.stripe.customers.create({ email: `other-${i}@example.com` });
        world.sandbox.createSubscription({ customer: customer.id, price: PRICE_MENSUEL, card: 'succeeds' });
      }
      failSecondPage(world, '/v1/invoices');
      expect((await runOperatorCommand(world, 'backfill')).code).to.equal(1);

      await world.advance(10 * HOURS);
      const second = await during.buys();
      expect((await runOperatorCommand(world, 'backfill')).code).to.equal(0);

      const rows = await world.rows.subscriptions();
      expect(rows.map((row) => row.stripeSubscriptionId)).to.include.members([first, second]);
    }),
  ).timeout(60_000);

  it(
    'is begun again when what it was at has been deleted',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const user = await world.member();
      cutOff(world);
      const subscription = await user.buys();
      await world.orm.em
        .fork()
        .execute(
          `insert into maintenance_state (name, data, updated_at) values ('backfill-command', ?::jsonb, now())`,
          [
            JSON.stringify({
              stage: 'subscriptions',
              begun: world.sandbox.now,
              startingAfter: 'sub_that_is_gone',
              report: { status: 'complete', subscriptions: 0, invoices: 0, unlinked: 0, failed: 0 },
            }),
          ],
        );

      expect((await runOperatorCommand(world, 'backfill')).code).to.equal(0);

      const rows = await world.rows.subscriptions();
      expect(rows.map((row) => row.stripeSubscriptionId)).to.deep.equal([subscription]);
    }),
  );
});
