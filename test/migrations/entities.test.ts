import { expect } from 'chai';
import {
  CheckoutSession,
  Customer,
  InvoicePayment,
  OutboxMessage,
  Payment,
  Subscription,
  User,
  WebhookEvent,
} from '../../src/shared/entities/index.ts';
import { ORIGINS } from '../support/fixtures/old-matcha.ts';
import { openSubject, queryAtUtc, type Subject } from './support.ts';

/** Wall clocks that New York skips, that Paris skips, and that New York has twice. */
const MOMENTS = ['2026-03-08T02:30:00.123Z', '2026-03-29T02:30:59.999Z', '2026-11-01T01:30:00.000Z'] as const;

function moment(index: number): Date {
  return new Date(MOMENTS[index % MOMENTS.length] ?? '');
}

/** As PostgreSQL writes it at UTC. */
function text(index: number): string {
  return moment(index)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '')
    .replace(/\.?0+$/, '');
}

describe('entities', function () {
  this.timeout(60_000);
  let zone: string | undefined;

  // The process in one zone, the sessions in another: neither may show.
  before(() => {
    zone = process.env.TZ;
    process.env.TZ = 'America/New_York';
    expect(new Date('2026-07-01T00:00:00Z').getHours()).to.equal(20);
  });
  after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  for (const origin of ORIGINS) {
    describe(`on a database that began ${origin === 'empty' ? 'empty' : `as Matcha's (${origin})`}`, () => {
      let subject: Subject;
      let userIds: number[];

      before(async () => {
        subject = await openSubject(origin);
        await subject.migrate();
        userIds = [];
        for (const name of ['kim', 'lou', 'max']) {
          const [row] = await subject.query(
            `insert into users (username, first_name, last_name, email, email_verified)
             values ($1, $1, $1, $2, true) returning id::int`,
            [name, `${name}@example.org`],
          );
          userIds.push(Number(row?.id));
        }
      });
      after(() => subject.drop());

      function newSubscriptions(): Subscription[] {
        const em = subject.orm.em.fork();
        return userIds.map((userId, index) =>
          em.create(Subscription, {
            userId,
            stripeSubscriptionId: `sub_new_${index}`,
            stripeCustomerId: `cus_new_${index}`,
            planType: 'mensuel',
            status: 'active',
            currentPeriodStart: moment(index),
            currentPeriodEnd: moment(index + 1),
            cancelAtPeriodEnd: false,
            canceledAt: moment(index + 2),
            trialStart: moment(index),
            trialEnd: moment(index + 1),
            createdAt: moment(index),
            updatedAt: moment(index),
            collectionPaused: false,
            paidUntil: moment(index + 1),
            snapshotAt: moment(index),
          }),
        );
      }

      it('insert, and read back what was written', async () => {
        const em = subject.orm.em.fork();
        const [userId = 0] = userIds;
        const subscriptions = newSubscriptions();
        em.persist(subscriptions);
        em.create(Customer, {
          userId,
          stripeCustomerId: 'cus_new_0',
          preferred: true,
          linkedBy: 'checkout',
          createdAt: moment(0),
        });
        em.create(InvoicePayment, {
          stripeInvoiceId: 'in_new',
          stripePaymentIntentId: 'pi_new',
          createdAt: moment(1),
        });
        em.create(CheckoutSession, {
          userId,
          stripeSessionId: 'cs_new',
          planType: 'annuel',
          status: 'pending',
          amount: 5_000_000_000,
          currency: 'eur',
          expiresAt: moment(2),
          completedAt: moment(1),
          createdAt: moment(0),
          updatedAt: moment(0),
        });
        em.create(WebhookEvent, {
          stripeEventId: 'evt_new',
          eventType: 'invoice.paid',
          processed: true,
          processedAt: moment(1),
          data: { id: 'evt_new', decimal: '10.50' },
          retryCount: 0,
          createdAt: moment(0),
        });
        em.create(OutboxMessage, {
          fact: 'payment_succeeded:in_new',
          userId,
          type: 'payment_succeeded',
          data: { amount: 9.99 },
          silent: false,
          createdAt: moment(0),
        });
        for (const index of [0, 1, 2]) {
          em.create(Payment, {
            userId,
            stripePaymentIntentId: `pi_new_${index}`,
            amount: 999 + index,
            currency: 'eur',
            status: 'pending',
            createdAt: moment(index),
            attemptCount: 0,
            awaitingInvoice: false,
            amountRefunded: 0,
          });
        }
        await em.flush();

        const reader = subject.orm.em.fork();
        const found = await reader.find(
          Subscription,
          { stripeSubscriptionId: { $like: 'sub_new_%' } },
          { orderBy: { id: 'asc' } },
        );
        expect(found).to.have.lengthOf(3);
        for (const [index, row] of found.entries()) {
          expect(row).to.deep.include({
            userId: userIds[index],
            planType: 'mensuel',
            status: 'active',
            currentPeriodStart: moment(index),
            currentPeriodEnd: moment(index + 1),
            canceledAt: moment(index + 2),
            trialStart: moment(index),
            trialEnd: moment(index + 1),
            createdAt: moment(index),
            paidUntil: moment(index + 1),
          });
          expect(row.id).to.be.a('number');
        }
        const session = await reader.findOneOrFail(CheckoutSession, { stripeSessionId: 'cs_new' });
        expect(session).to.deep.include({
          amount: 5_000_000_000,
          expiresAt: moment(2),
          completedAt: moment(1),
        });
        const event = await reader.findOneOrFail(
          WebhookEvent,
          { stripeEventId: 'evt_new' },
          { populate: ['data'] },
        );
        expect(event).to.deep.include({
          processed: true,
          processedAt: moment(1),
          data: { id: 'evt_new', decimal: '10.50' },
          retryCount: 0,
        });
        const payment = await reader.findOneOrFail(Payment, { stripePaymentIntentId: 'pi_new_1' });
        expect(payment).to.deep.include({ userId, amount: 1000, createdAt: moment(1) });
      });

      it('write UTC wall clock into every column', async () => {
        const rows = await queryAtUtc(
          subject,
          `select current_period_start::timestamp::text as period, trial_end::timestamp::text as trial,
             created_at::timestamp::text as created, paid_until::timestamp::text as paid
           from subscriptions where stripe_subscription_id like 'sub_new_%' order by id`,
        );
        expect(rows).to.deep.equal(
          [0, 1, 2].map((index) => ({
            period: text(index),
            trial: text(index + 1),
            created: text(index),
            paid: text(index + 1),
          })),
        );
      });

      it('update one row', async () => {
        const em = subject.orm.em.fork();
        const row = await em.findOneOrFail(Subscription, { stripeSubscriptionId: 'sub_new_0' });
        Object.assign(row, {
          status: 'past_due',
          planType: 'annuel',
          currentPeriodEnd: moment(2),
          pastDueSince: moment(1),
          cancelAtPeriodEnd: true,
        });
        await em.flush();
        const [written] = await queryAtUtc(
          subject,
          `select status::text, plan_type::text, cancel_at_period_end,
             current_period_end::timestamp::text as period, past_due_since::text as since
           from subscriptions where stripe_subscription_id = 'sub_new_0'`,
        );
        expect(written).to.deep.equal({
          status: 'past_due',
          plan_type: 'annuel',
          cancel_at_period_end: true,
          period: text(2),
          since: text(1),
        });
      });

      it('update several rows in one flush, each column to values of its own', async () => {
        const em = subject.orm.em.fork();
        const subscriptions = await em.find(
          Subscription,
          { stripeSubscriptionId: { $like: 'sub_new_%' } },
          { orderBy: { id: 'asc' } },
        );
        const statuses = ['canceled', 'unpaid', 'inactive'] as const;
        for (const [index, row] of subscriptions.entries()) {
          Object.assign(row, {
            status: statuses[index],
            stripeStatus: statuses[index],
            currentPeriodStart: moment(index + 1),
            currentPeriodEnd: index === 1 ? null : moment(index),
            endedAt: index === 0 ? moment(2) : null,
            collectionPaused: index === 2,
            duplicateOf: index === 1 ? subscriptions[0]?.id : null,
            updatedAt: moment(index + 1),
          });
        }
        const payments = await em.find(
          Payment,
          { stripePaymentIntentId: { $like: 'pi_new_%' } },
          { orderBy: { id: 'asc' } },
        );
        for (const [index, row] of payments.entries()) {
          Object.assign(row, {
            status: index === 0 ? 'succeeded' : 'failed',
            amount: 2_000 + index,
            subscriptionId: subscriptions[index]?.id,
            stripeInvoiceId: `in_${index}`,
            nextAttemptAt: moment(index),
            createdAt: moment(index + 2),
          });
        }
        const users = await em.find(User, { id: { $in: userIds } }, { orderBy: { id: 'asc' } });
        for (const [index, user] of users.entries()) user.premium = moment(index);
        await em.flush();

        const reader = subject.orm.em.fork();
        for (const [index, userId] of userIds.entries()) {
          const row = await reader.findOneOrFail(Subscription, { stripeSubscriptionId: `sub_new_${index}` });
          expect(row).to.deep.include({
            userId,
            status: statuses[index],
            stripeStatus: statuses[index],
            currentPeriodStart: moment(index + 1),
            currentPeriodEnd: index === 1 ? null : moment(index),
            endedAt: index === 0 ? moment(2) : null,
            collectionPaused: index === 2,
            duplicateOf: index === 1 ? subscriptions[0]?.id : null,
          });
          const payment = await reader.findOneOrFail(Payment, { stripePaymentIntentId: `pi_new_${index}` });
          expect(payment).to.deep.include({
            status: index === 0 ? 'succeeded' : 'failed',
            amount: 2_000 + index,
            subscriptionId: subscriptions[index]?.id,
            nextAttemptAt: moment(index),
            createdAt: moment(index + 2),
          });
          expect((await reader.findOneOrFail(User, userId)).premium).to.deep.equal(moment(index));
        }
        // What Matcha's other services read.
        const premium = await subject.query(
          'select premium::text from users where id = any($1) order by id',
          [userIds],
        );
        expect(premium).to.deep.equal([0, 1, 2].map((index) => ({ premium: text(index) })));
      });

      it('find by moments', async () => {
        const em = subject.orm.em.fork();
        const found = await em.find(User, { premium: { $gt: moment(0), $lte: moment(1) } });
        expect(found.map((user) => user.id))
          .to.include(userIds[1])
          .and.not.include(userIds[0]);
        const payments = await em.find(Payment, { createdAt: moment(2) });
        expect(payments.map((payment) => payment.stripePaymentIntentId)).to.deep.equal(['pi_new_0']);
      });

      it('write nothing for rows that were only read', async () => {
        const em = subject.orm.em.fork();
        const versions = () =>
          subject.query(
            'select xmin::text, id from subscriptions union all select xmin::text, id from users order by 2, 1',
          );
        const before = await versions();
        await em.find(User, {});
        await em.find(Subscription, {});
        await em.find(Payment, {});
        await em.find(CheckoutSession, {});
        await em.find(WebhookEvent, {}, { populate: ['data'] });
        await em.flush();
        expect(await versions()).to.deep.equal(before);
      });

      if (origin !== 'empty') {
        it("read the old service's rows", async () => {
          const em = subject.orm.em.fork();
          const ada = await em.findOneOrFail(User, { email: 'ada@example.org' });
          expect(ada).to.deep.include({
            id: 1,
            emailVerified: true,
            premium: new Date('2027-03-01T09:30:00.123Z'),
          });
          const row = await em.findOneOrFail(Subscription, { userId: 1 });
          expect(row).to.deep.include({
            planType: 'annuel',
            status: 'active',
            stripeStatus: null,
            currentPeriodStart: new Date('2026-03-01T09:30:00Z'),
            currentPeriodEnd: new Date('2027-03-01T09:30:00Z'),
            trialEnd: new Date('2026-03-01T09:30:00Z'),
            createdAt: new Date('2026-02-15T09:30:00.123Z'),
            paidUntil: new Date('2027-03-01T09:30:00Z'),
          });
          const payment = await em.findOneOrFail(Payment, { stripePaymentIntentId: 'invoice_in_old1' });
          expect(payment).to.deep.include({
            amount: 9999,
            subscriptionId: row.id,
            status: 'succeeded',
            attemptCount: 0,
            createdAt: new Date('2026-03-01T09:30:30Z'),
          });
          const event = await em.findOneOrFail(
            WebhookEvent,
            { stripeEventId: 'evt_old_2' },
            { populate: ['data'] },
          );
          expect(event).to.deep.include({
            processed: false,
            retryCount: 3,
            errorMessage: 'subscription not found',
            data: { id: 'evt_old_2', object: 'event' },
          });
        });
      }
    });
  }
});
