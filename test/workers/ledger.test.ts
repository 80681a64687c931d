import { expect } from 'chai';
import { inTransaction, writeFunction } from '../../src/shared/database/index.ts';
import { keysOf, Ledger, type Touches } from '../../src/workers/events/ledger/index.ts';
import { openSubject, queryAtUtc, type Subject } from '../migrations/support.ts';
import { ORIGINS } from '../support/fixtures/old-matcha.ts';

/** A wall clock that Paris skips. */
const SKIPPED = new Date('2026-03-29T02:30:59.999Z');

for (const origin of ORIGINS) {
  describe(`The ledger on a database that began ${origin === 'empty' ? 'empty' : `as Matcha's (${origin})`}`, () => {
    let subject: Subject;
    let userId: number;

    before(async () => {
      subject = await openSubject(origin);
      await subject.migrate();
      await subject.query(`alter database ${subject.name} set timezone to 'Europe/Paris'`);
      const [row] = await subject.query(
        `insert into users (username, first_name, last_name, email, email_verified)
         values ('kim', 'kim', 'kim', 'Kim@example.org', true) returning id::int`,
      );
      userId = Number(row?.id);
    });
    after(() => subject.drop());

    const open = <R>(touches: Touches, work: (ledger: Ledger) => R | Promise<R>): Promise<R> =>
      inTransaction(subject.orm, async (transaction) => {
        const ledger = await Ledger.open(subject.orm, transaction, keysOf([touches]), ['evt_1']);
        const result = await work(ledger);
        ledger.write();
        return result;
      });

    const newSubscription = (stripeSubscriptionId: string) => ({
      userId,
      stripeSubscriptionId,
      stripeCustomerId: `cus_of_${stripeSubscriptionId}`,
      planType: 'mensuel' as const,
      status: 'inactive' as const,
      cancelAtPeriodEnd: false,
      collectionPaused: false,
      currentPeriodEnd: SKIPPED,
      createdAt: SKIPPED,
      updatedAt: SKIPPED,
    });

    it('is never compiled by PostgreSQL (JIT): what the survey forbids looks so expensive that it would be', async () => {
      const settingIn = (name: string) =>
        inTransaction(subject.orm, async (transaction) => {
          await Ledger.open(subject.orm, transaction, keysOf([{ user: userId }]), ['evt_1']);
          const [row] = await transaction.ask<{ value: string }>('select current_setting($1) as value', [
            name,
          ]);
          return row?.value;
        });
      expect(await settingIn('enable_seqscan')).to.equal('off');
      expect(await settingIn('jit')).to.equal('off');
    });

    it('writes new rows in UTC, knows their ids, and finds them again', async () => {
      const id = await open({ user: userId }, async (ledger) => {
        const row = ledger.addSubscription(newSubscription('sub_new'));
        const user = ledger.user(userId);
        if (user) user.premium = SKIPPED;
        await ledger.flush();
        return row.id;
      });
      const [written] = await queryAtUtc(
        subject,
        `select s.id::int, s.current_period_end::text as period_end, u.premium::text as premium
         from subscriptions s join users u on u.id = s.user_id where stripe_subscription_id = 'sub_new'`,
      );
      expect(written?.id).to.equal(id);
      expect(written?.premium).to.equal('2026-03-29 02:30:59.999');
      expect(String(written?.period_end)).to.match(/^2026-03-29 02:30:59\.999/);
      await open({ subscription: 'sub_new', user: userId }, (ledger) => {
        expect(ledger.subscription('sub_new')).to.deep.include({
          id,
          status: 'inactive',
          planType: 'mensuel',
        });
        expect(ledger.subscription('sub_new')?.currentPeriodEnd).to.deep.equal(SKIPPED);
        expect(ledger.user(userId)?.premium).to.deep.equal(SKIPPED);
      });
    });

    it('changes what was changed and leaves the rest of a row as fine as it was', async () => {
      await open({ user: userId }, (ledger) => {
        for (const id of ['sub_a', 'sub_b']) ledger.addSubscription(newSubscription(id));
      });
      const finer = `'2026-01-02 03:04:05.678901'`;
      await subject.query(
        `update subscriptions set trial_start = ${finer}, trial_end = ${finer} where stripe_subscription_id like 'sub\\__'`,
      );
      await open({ user: userId }, (ledger) => {
        const [a, b] = ['sub_a', 'sub_b'].map((id) => ledger.subscription(id));
        if (!a || !b) throw new Error('They are not there');
        // Both are written, each with the columns that changed in either.
        a.trialStart = SKIPPED;
        b.stripeStatus = 'active';
      });
      const rows = await subject.query(
        `select stripe_status, trial_start::text like '%.678901%' as fine, trial_end::text like '%.678901%' as untouched
         from subscriptions where stripe_subscription_id like 'sub\\__' order by stripe_subscription_id`,
      );
      expect(rows).to.deep.equal([
        { stripe_status: null, fine: false, untouched: true },
        { stripe_status: 'active', fine: true, untouched: true },
      ]);
    });

    it('can write every column that an entity has', async () => {
      const [row] = await subject.query(
        `select pg_get_functiondef('${writeFunction(subject.orm).name}'::regproc) as text`,
      );
      const named = [
        ...String(row?.text).matchAll(/update (\w+) as held set \(([^)]+)\)|insert into (\w+) \(([^)]+)\)/g),
      ];
      const written = ['customers', 'subscriptions', 'payments', 'invoice_payments', 'checkout_sessions'];
      const entities = [...subject.orm.getMetadata()].filter(({ tableName }) => written.includes(tableName));
      expect(entities).to.have.length(written.length);
      for (const { tableName, props } of entities) {
        const wanted = props.filter(({ primary, lazy }) => !primary && !lazy);
        const lists = named.filter(([, changed, , added]) => (changed ?? added) === tableName);
        expect(lists, tableName).to.have.length(2);
        for (const [, , changed, , added] of lists) {
          const columns = (changed ?? added ?? '').split(', ');
          expect(columns, tableName).to.have.members(wanted.map(({ fieldNames }) => fieldNames[0]));
        }
      }
    });

    it('looks for a verified address, in whatever case, only while nobody knows the customer', async () => {
      const known = (touches: Touches) =>
        open(touches, (ledger) => ledger.userByVerifiedEmail('kim@EXAMPLE.org')?.id);
      expect(await known({ customer: 'cus_stranger', email: 'kim@EXAMPLE.org' })).to.equal(userId);
      await open({ customer: 'cus_kim', user: userId }, (ledger) => {
        ledger.addCustomer({
          stripeCustomerId: 'cus_other',
          userId: null,
          preferred: false,
          linkedBy: 'deleted',
          createdAt: SKIPPED,
        });
      });
      expect(await known({ customer: 'cus_other', email: 'kim@EXAMPLE.org' })).to.equal(userId);
      await subject.query(`update customers set user_id = $1 where stripe_customer_id = 'cus_other'`, [
        userId,
      ]);
      await subject.query(`update users set email_verified = false where id = $1`, [userId]);
      expect(await known({ customer: 'cus_other', email: 'kim@EXAMPLE.org' })).to.equal(undefined);
    });

    it('finds a payment by what is linked to the name an event has for it', async () => {
      await open({ user: userId, invoices: ['in_1'], intent: 'pi_1' }, (ledger) => {
        ledger.link('in_1', 'pi_1', SKIPPED);
        ledger.addPayment({
          userId,
          stripePaymentIntentId: 'pi_1',
          amount: 999,
          currency: 'eur',
          status: 'succeeded',
          attemptCount: 0,
          awaitingInvoice: false,
          amountRefunded: 0,
          createdAt: SKIPPED,
        });
      });
      await open({ invoices: ['in_1'] }, (ledger) => {
        expect([...ledger.payments()].map((row) => row.stripePaymentIntentId)).to.deep.equal(['pi_1']);
        expect(ledger.intentsOfInvoice('in_1')).to.deep.equal(['pi_1']);
        // Whose payment it is belongs to what the event may touch.
        expect(ledger.user(userId)?.id).to.equal(userId);
      });
      await open({ intent: 'pi_1' }, (ledger) => expect(ledger.invoiceOfIntent('pi_1')).to.equal('in_1'));
    });
  });
}
