import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import Stripe from 'stripe';
import { withSql } from '../../rig/sql.ts';
import { migrate } from '../../src/shared/database/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { Member } from '../stories/support/member.ts';
import { PRICE_MENSUEL, testDatabases, World } from '../stories/support/world.ts';
import { OLD_ORIGINS } from '../support/fixtures/old-matcha.ts';

const DAY = 86_400;
const HOUR = 3_600;
const FIXTURES = new URL('../support/fixtures/', import.meta.url);
const NOTHING = createLogger('legacy', 'silent');

/** People of the old Matcha database, by what the old service left behind of them. */
const ADA = { id: 1, email: 'ada@example.org' };
const BOB = { id: 2, email: 'bob@example.org' };

for (const origin of OLD_ORIGINS) {
  describe(`An old Matcha database (${origin === 'sql' ? 'enums and int' : 'varchar and bigint, of GORM'})`, function () {
    this.timeout(60_000);
    this.slow(10_000);
    let world: World;
    let stripe: Stripe;

    beforeEach(async () => {
      const template = `old_matcha_${origin}`;
      await testDatabases().createTemplate(template, async (address) => {
        for (const file of [`old-matcha-${origin}.sql`, 'old-matcha-rows.sql']) {
          const text = await readFile(new URL(file, FIXTURES), 'utf8');
          await withSql(address, (sql) => sql.query(text));
        }
      });
      world = await World.start({ template, workers: 0 });
      stripe = new Stripe('sk_test_legacy', { ...world.sandbox.stripeOptions, maxNetworkRetries: 0 });
    });
    afterEach(() => world.close());

    /** What the old service made of a subscription that somebody bought from it; this service knows of no event. */
    async function wasBoughtLongAgo({ id, email }: typeof ADA): Promise<string> {
      const { sandbox } = world;
      sandbox.deliveries.hold();
      const { id: customer } = await stripe.customers.create({ email });
      const { id: subscription } = sandbox.createSubscription({
        customer,
        price: PRICE_MENSUEL,
        card: 'succeeds',
      });
      sandbox.deliveries.clear();
      const { items } = await stripe.subscriptions.retrieve(subscription);
      const [item] = items.data;
      await query(
        `update subscriptions set stripe_subscription_id = $2, stripe_customer_id = $3, plan_type = 'mensuel',
           status = 'active', current_period_start = to_timestamp($4) at time zone 'UTC',
           current_period_end = to_timestamp($5) at time zone 'UTC' where user_id = $1`,
        [id, subscription, customer, item?.current_period_start, item?.current_period_end],
      );
      // It wrote a year for everybody.
      await query(`update users set premium = to_timestamp($2) at time zone 'UTC' where id = $1`, [
        id,
        (item?.current_period_start ?? 0) + 365 * DAY,
      ]);
      return subscription;
    }

    async function query(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
      return testDatabases().query(world.databaseName, text, values);
    }

    async function joins(email: string): Promise<Member> {
      const [row] = await query(
        `insert into users (username, first_name, last_name, email, email_verified)
         values ('new', 'New', 'One', $1, true) returning id`,
        [email],
      );
      return Member.open(world, Number(row?.id), email);
    }

    async function isMigrated(): Promise<void> {
      await migrate(world.orm, NOTHING);
      await world.startWorkers();
    }

    /** To an hour after the end of the period, when the renewal is paid. */
    async function renews(subscription: string): Promise<Date> {
      const end = await endOf(subscription);
      await world.advance(end.getTime() / 1_000 - 600 - world.sandbox.now);
      await world.maintain({ task: 'sweep' });
      await world.advance(600);
      await world.advance(HOUR);
      return endOf(subscription);
    }

    async function endOf(subscription: string): Promise<Date> {
      const { items } = await stripe.subscriptions.retrieve(subscription);
      return new Date((items.data[0]?.current_period_end ?? 0) * 1_000);
    }

    async function payments(userId: number): Promise<string[]> {
      const rows = await query(
        'select status::text from payments where user_id = $1 order by created_at, id',
        [userId],
      );
      return rows.map(({ status }) => String(status));
    }

    it('serves a new user: purchase, renewal, cancellation, end', async () => {
      await isMigrated();
      const eve = await joins('eve@example.org');
      const subscription = await eve.buys();
      expect(eve.heard().sort()).to.deep.equal(['payment_succeeded', 'premium_activated']);

      eve.forget();
      const paidUntil = await renews(subscription);
      expect(await world.rows.premium(eve.id)).to.deep.equal(paidUntil);
      expect(eve.heard()).to.deep.equal(['payment_succeeded']);
      expect(await payments(eve.id)).to.deep.equal(['succeeded', 'succeeded']);

      eve.forget();
      expect((await eve.delete('/api/stripe/subscription')).status).to.equal(200);
      await world.settle();
      expect(eve.heard()).to.deep.equal(['premium_cancelled']);
      expect(await eve.subscription()).to.deep.include({ is_premium: true, reason: 'cancelled_until' });
      await world.advance(paidUntil.getTime() / 1_000 - world.sandbox.now + 1);
      expect(await eve.subscription()).to.deep.include({ is_premium: false });
      expect(await world.failedJobs()).to.deep.equal([]);
      eve.close();
    });

    it('goes on with a user whom the old service had made premium: renewal, cancellation, end', async () => {
      const subscription = await wasBoughtLongAgo(ADA);
      const before = await payments(ADA.id);
      await isMigrated();
      const ada = await Member.open(world, ADA.id, ADA.email);
      expect(await ada.subscription()).to.deep.include({ is_premium: true });

      const paidUntil = await renews(subscription);
      expect(await world.rows.premium(ADA.id)).to.deep.equal(paidUntil);
      expect(await payments(ADA.id)).to.deep.equal([...before, 'succeeded']);
      expect(ada.heard()).to.deep.equal(['payment_succeeded']);

      ada.forget();
      expect((await ada.delete('/api/stripe/subscription')).status).to.equal(200);
      await world.settle();
      await world.advance(paidUntil.getTime() / 1_000 - world.sandbox.now + 1);
      await ada.hasHeard(3);
      expect(ada.heard()).to.deep.equal(['premium_cancelled', 'premium_cancelled']);
      expect(await ada.subscription()).to.deep.include({ is_premium: false });
      expect(await world.failedJobs()).to.deep.equal([]);
      ada.close();
    });

    it('lets a user come back who had canceled at the old service', async () => {
      await isMigrated();
      const bob = await Member.open(world, BOB.id, BOB.email);
      expect(await bob.subscription()).to.deep.include({ is_premium: false });

      // The customer whom the old service knew is not one of this Stripe account any more.
      const answer = await bob.post('/api/stripe/subscription', { plan_type: 'annuel' });
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      const { session } = world.sandbox.completeCheckout({
        session: (answer.body.data as { id: string }).id,
        email: BOB.email,
      });
      await world.settle();
      const { subscription } = await bob.subscription();
      expect(subscription).to.deep.include({
        plan_type: 'annuel',
        status: 'active',
        stripe_subscription_id: String(session.subscription),
      });
      const rows = await query(
        'select status::text, plan_type::text from subscriptions where user_id = $1 order by id',
        [BOB.id],
      );
      expect(rows).to.deep.equal([
        { status: 'canceled', plan_type: 'mensuel' },
        { status: 'active', plan_type: 'annuel' },
      ]);
      expect(await world.rows.premium(BOB.id)).to.deep.equal(await endOf(String(session.subscription)));
      expect(await world.failedJobs()).to.deep.equal([]);
      bob.close();
    });
  });
}
