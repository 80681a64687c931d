import { expect } from 'chai';
import { Subscription, User } from '../../src/shared/entities/index.ts';
import { runOperatorCommand } from './support/operator.ts';
import { World } from './support/world.ts';

describe('What never arrived', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.start();
  });

  afterEach(() => world.close());

  it('is found in Stripe’s list of events and applied, once, by the repeating job', async () => {
    const user = await world.member();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    const subscription = await user.buys();
    expect(await world.rows.subscriptions()).to.deep.equal([]);

    await world.maintain({ task: 'reconcile' });
    await world.maintain({ task: 'reconcile' });

    expect((await world.rows.subscriptions()).map((row) => row.stripeSubscriptionId)).to.deep.equal([
      subscription,
    ]);
    expect(await world.rows.payments()).to.have.length(1);
    expect(user.heard().sort()).to.deep.equal(['payment_succeeded', 'premium_activated']);
  });

  it('is counted by a dry run of the command and enqueued by the real one', async () => {
    const user = await world.member();
    world.sandbox.deliveries.setRules({ drop: ['invoice.*', 'invoice_payment.*', 'payment_intent.*'] });
    await user.buys();
    expect(await world.rows.payments()).to.deep.equal([]);

    const dry = await runOperatorCommand(world, 'reconcile', ['--since', '1d', '--dry-run']);
    await world.settle();
    expect(dry.code).to.equal(0);
    expect(dry.lines.at(-1)).to.match(/^[1-9]\d* of \d+ events are missing; nothing was enqueued/);
    expect(await world.rows.payments()).to.deep.equal([]);

    const real = await runOperatorCommand(world, 'reconcile', ['--since', '1d']);
    await world.settle();
    expect(real.lines.at(-1)).to.match(/events were missing; [1-9]\d* enqueued$/);
    expect((await world.rows.payments()).map((row) => row.status)).to.deep.equal(['succeeded']);
    expect(user.heard().filter((type) => type === 'payment_succeeded')).to.have.length(1);
  });

  it('refuses a span that Stripe does not keep, and says what to do', async () => {
    const run = await runOperatorCommand(world, 'reconcile', ['--since', '90d']);
    expect(run.code).to.equal(2);
    expect(run.lines.join('\n')).to.contain('npm run backfill');
  });

  it('is read from the objects themselves when the events are gone, without telling anybody', async () => {
    const user = await world.member();
    const other = await world.member();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    const subscription = await user.buys();
    await other.buys('annuel');
    await world.rows.forgetEverything();

    const run = await runOperatorCommand(world, 'backfill');
    await world.settle();

    expect(run.lines.at(-1)).to.equal(
      'complete: 2 subscriptions and 2 invoices read, 0 of unknown users, 0 failed',
    );
    expect(run.code).to.equal(0);
    expect((await world.rows.subscriptions()).map((row) => row.stripeSubscriptionId)).to.include(
      subscription,
    );
    expect(
      (await world.rows.payments()).map(({ userId, amount, status }) => ({ userId, amount, status })),
    ).to.have.deep.members([
      { userId: user.id, amount: 999, status: 'succeeded' },
      { userId: other.id, amount: 9999, status: 'succeeded' },
    ]);
    expect(await world.rows.premium(user.id)).to.be.greaterThan(world.now);
    expect(user.heard()).to.deep.equal([]);
  });

  it('is re-read for one user when an operator asks for it', async () => {
    const user = await world.member();
    const other = await world.member();
    world.sandbox.deliveries.setRules({ drop: ['*'] });
    await user.buys();
    await other.buys();

    await world.maintain({ task: 'sync-payments', userId: user.id });

    expect((await world.rows.payments()).map((row) => row.userId)).to.deep.equal([user.id]);
  });

  describe('and drifted apart', () => {
    it('is reported with its cause, and healed when asked to', async () => {
      const user = await world.member();
      const subscription = await user.buys();
      world.sandbox.deliveries.setRules({ drop: ['*'] });
      world.sandbox.cancelAtPeriodEnd({ subscription });
      await world.sandbox.advance(60);

      const report = await runOperatorCommand(world, 'drift');
      expect(report.code).to.equal(1);
      expect(report.lines.join('\n')).to.match(
        new RegExp(`event_missing ${subscription}, user ${user.id} .*cancel_at`),
      );
      expect((await world.rows.subscriptions())[0]?.cancelAtPeriodEnd).to.equal(false);

      const fixed = await runOperatorCommand(world, 'drift', ['--fix']);
      expect(fixed.code).to.equal(0);
      expect((await world.rows.subscriptions())[0]?.cancelAtPeriodEnd).to.equal(true);
      const again = await runOperatorCommand(world, 'drift');
      expect(again.lines.at(-1)).to.equal('1 checked, 0 differ, 0 healed, 0 could not be checked');
    });

    it('names somebody else’s write to premium', async () => {
      const user = await world.member();
      await user.buys();
      await world.orm.em
        .fork()
        .nativeUpdate(User, { id: user.id }, { premium: new Date('2030-01-01T00:00:00Z') });

      const fixed = await runOperatorCommand(world, 'drift', ['--fix']);

      expect(fixed.lines.join('\n')).to.contain(`premium_differs (healed) user ${user.id}`);
      const [row] = await world.rows.subscriptions();
      expect(await world.rows.premium(user.id)).to.deep.equal(row?.paidUntil);
    });

    it('finds whoever is still charged after their account is gone', async () => {
      const user = await world.member();
      const subscription = await user.buys();
      await world.orm.em.fork().nativeDelete(User, { id: user.id });

      const report = await runOperatorCommand(world, 'drift');

      expect(report.lines.join('\n')).to.contain(`user_gone ${subscription}`);
    });

    it('finds a subscription that Stripe does not know', async () => {
      const user = await world.member();
      await user.buys();
      await world.orm.em
        .fork()
        .nativeUpdate(Subscription, {}, { stripeSubscriptionId: 'sub_of_another_account' });

      const report = await runOperatorCommand(world, 'drift');

      expect(report.lines.join('\n')).to.contain('unknown_at_stripe sub_of_another_account');
    });
  });
});
