import { expect } from 'chai';
import { migrations } from '../../migrations/index.ts';
import { runToEnd } from '../../rig/process.ts';
import {
  createDatabase,
  FOREIGN_TABLES,
  OLD_ORIGINS,
  OLD_TABLES,
  ORIGINS,
  testDatabases,
} from '../support/fixtures/old-matcha.ts';
import { type Column, columnsOf, openSubject, queryAtUtc, rowsOf, type Subject } from './support.ts';

/** The columns of the contract, which other services read. */
const CONTRACT: Readonly<Record<string, string>> = {
  users: 'id username first_name last_name email email_verified premium',
  subscriptions:
    'id user_id stripe_subscription_id stripe_customer_id plan_type status current_period_start ' +
    'current_period_end cancel_at_period_end canceled_at trial_start trial_end created_at updated_at',
  payments:
    'id user_id subscription_id stripe_payment_intent_id stripe_invoice_id amount currency status ' +
    'payment_method_type failure_reason created_at',
  checkout_sessions:
    'id user_id stripe_session_id stripe_customer_id plan_type status amount currency success_url cancel_url ' +
    'expires_at completed_at stripe_subscription_id created_at updated_at',
  webhook_events:
    'id stripe_event_id event_type processed processed_at data error_message retry_count created_at',
};
const OURS = [
  'customers',
  'invoice_payments',
  'outbox_messages',
  'disputes',
  'credit_notes',
  'attention_done',
  'paiements_migrations',
];

async function tablesOf(subject: Subject): Promise<unknown[]> {
  const rows = await subject.query(`select tablename from pg_tables where schemaname = 'public'`);
  return rows.map((row) => row.tablename);
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'it succeeded',
    (error: Error) => error.message,
  );
}

function addSubscription(subject: Subject, userId: number, id: string, status: string): Promise<unknown> {
  return subject.query(
    `insert into subscriptions (user_id, stripe_subscription_id, stripe_customer_id, plan_type, status,
       cancel_at_period_end, created_at, updated_at)
     values ($1, $2, 'cus_new', 'mensuel', $3, false, now(), now())`,
    [userId, id, status],
  );
}

describe('migrations', function () {
  this.timeout(60_000);

  describe('on an empty database', () => {
    let subject: Subject;
    before(async () => {
      subject = await openSubject('empty');
      await subject.migrate();
    });
    after(() => subject.drop());

    it('create every table with the columns of the contract', async () => {
      expect(await tablesOf(subject)).to.include.members([...OLD_TABLES, ...OURS]);
      for (const [table, names] of Object.entries(CONTRACT)) {
        const found = (await columnsOf(subject, table)).map((column) => column.column_name);
        expect(found, table).to.include.members(names.split(' '));
      }
    });

    it('create the enums of the contract', async () => {
      const rows = await subject.query(
        `select typname, array_to_string(array_agg(enumlabel::text order by enumsortorder), ' ') as labels
         from pg_enum join pg_type on pg_type.oid = enumtypid group by typname`,
      );
      expect(Object.fromEntries(rows.map((row) => [row.typname, row.labels]))).to.deep.equal({
        plan_type_enum: 'mensuel annuel',
        subscription_status_enum: 'active inactive canceled past_due unpaid',
        payment_status_enum: 'pending succeeded failed canceled',
        checkout_session_status_enum: 'pending completed expired canceled',
      });
    });

    it('use no timestamp with a zone of its own', async () => {
      const rows = await subject.query(
        `select table_name, column_name from information_schema.columns
         where table_schema = 'public' and udt_name = 'timestamptz' and table_name <> 'paiements_migrations'`,
      );
      expect(rows).to.deep.equal([]);
    });

    it('default to UTC wall clock, whatever the zone of the session', async () => {
      await subject.query(`insert into users (email) values ('zone@example.org')`);
      await addSubscription(subject, 1, 'sub_zone', 'inactive');
      await subject.query(
        `insert into webhook_events (stripe_event_id, event_type) values ('evt_zone', 'invoice.paid')`,
      );
      const [row] = await subject.query(
        `select current_setting('timezone') as zone,
           abs(extract(epoch from created_at - (now() at time zone 'UTC'))) < 60 as is_utc from webhook_events`,
      );
      expect(row).to.deep.equal({ zone: 'Europe/Paris', is_utc: true });
    });
  });

  for (const origin of OLD_ORIGINS) {
    describe(`on Matcha's database as ${origin === 'sql' ? 'its SQL files' : 'GORM'} made it`, () => {
      let subject: Subject;
      const columns = new Map<string, Column[]>();
      const rows = new Map<string, string[]>();
      const tables = [...OLD_TABLES, ...FOREIGN_TABLES];

      before(async () => {
        subject = await openSubject(origin);
        for (const table of tables) {
          const found = await columnsOf(subject, table);
          columns.set(table, found);
          rows.set(table, await rowsOf(subject, table, found));
        }
        await subject.migrate();
      });
      after(() => subject.drop());

      async function expectUntouched(): Promise<void> {
        for (const table of tables) {
          const old = columns.get(table) ?? [];
          const before = rows.get(table) ?? [];
          expect(before.length, table).to.be.above(0);
          expect(await rowsOf(subject, table, old), table).to.deep.equal(before);
        }
      }

      it('keep every row byte for byte', expectUntouched);

      it('keep every column as it is, except that an event may lose its data and amounts may be big', async () => {
        for (const [table, old] of columns) {
          const now = await columnsOf(subject, table);
          const expected = old.map((column) => {
            const of = `${table}.${column.column_name}`;
            if (of === 'webhook_events.data') return { ...column, is_nullable: 'YES' };
            return of === 'payments.amount' ? { ...column, udt_name: 'int8' } : column;
          });
          expect(now.slice(0, old.length), table).to.deep.equal(expected);
        }
      });

      it('leave the tables of other services alone', async () => {
        for (const table of FOREIGN_TABLES) {
          expect(await columnsOf(subject, table), table).to.deep.equal(columns.get(table));
        }
      });

      it('leave the triggers that keep updated_at at work', async () => {
        const [count] = await subject.query(
          `select count(*)::int as enabled from pg_trigger
           where tgname like 'update\\_%\\_updated\\_at' and tgenabled = 'O'`,
        );
        expect(count).to.deep.equal({ enabled: origin === 'sql' ? 3 : 0 });
      });

      it('change nothing when they run again', async () => {
        await subject.migrate();
        await expectUntouched();
        expect(await subject.query('select * from paiements_migrations')).to.have.lengthOf(migrations.length);
      });

      it('change nothing either when their own record of themselves is lost', async () => {
        const customers = await subject.query('select * from customers order by id');
        const paid = await subject.query('select paid_until::text from subscriptions order by id');
        await subject.query('delete from paiements_migrations');
        await subject.migrate();
        await expectUntouched();
        expect(await subject.query('select * from customers order by id')).to.deep.equal(customers);
        expect(await subject.query('select paid_until::text from subscriptions order by id')).to.deep.equal(
          paid,
        );
      });

      it('link every customer that the old rows name to its user', async () => {
        const links = await subject.query(
          `select stripe_customer_id, user_id, preferred, linked_by from customers order by stripe_customer_id`,
        );
        const link = (id: string, userId: number | null, preferred: boolean) => ({
          stripe_customer_id: id,
          user_id: userId,
          preferred,
          linked_by: 'legacy',
        });
        expect(links).to.deep.equal([
          link('cus_ada', 1, true),
          link('cus_ada_first', 1, false),
          link('cus_bob', 2, true),
          link('cus_cleo_first', 3, false),
          link('cus_cleo_second', 3, false),
          link('cus_dan', 4, true),
          // Whose user is gone: kept, so that what Stripe still bills can be found.
          ...(origin === 'gorm' ? [link('cus_of_nobody', null, false)] : []),
        ]);
      });

      it('take the period of an active row for paid, and that of a failed renewal for not', async () => {
        const facts = await queryAtUtc(
          subject,
          `select stripe_subscription_id, paid_until::text, ended_at::text from subscriptions order by id`,
        );
        expect(facts).to.deep.equal([
          { stripe_subscription_id: 'sub_active', paid_until: '2027-03-01 09:30:00', ended_at: null },
          { stripe_subscription_id: 'sub_canceled', paid_until: null, ended_at: '2026-01-20 18:00:00' },
          // Stripe rolls the period before it collects: what was paid ended where this period began.
          { stripe_subscription_id: 'sub_past_due', paid_until: '2026-06-01 00:00:00', ended_at: null },
        ]);
      });

      it('let a canceled user subscribe again, and nobody hold two live subscriptions', async () => {
        await addSubscription(subject, 2, 'sub_again', 'active');
        for (const [userId, status] of [
          [1, 'active'],
          [1, 'past_due'],
          [2, 'unpaid'],
          [4, 'active'],
        ] as const) {
          const failure = await failureOf(addSubscription(subject, userId, 'sub_second', status));
          expect(failure).to.include('one_live_subscription_per_user');
        }
        await addSubscription(subject, 1, 'sub_incomplete', 'inactive');
        await addSubscription(subject, 1, 'sub_over', 'canceled');
        await subject.query(`delete from subscriptions where stripe_customer_id = 'cus_new'`);
      });

      it("archive a deleted user's payments without the person, and only those", async () => {
        const [user] = await subject.query(
          `insert into users (username, first_name, last_name, email) values ('eve', 'Eve', 'E', 'eve@example.org')
           returning id`,
        );
        for (const intent of ['pi_eve', 'pi_mistake']) {
          await subject.query(
            `insert into payments (user_id, stripe_payment_intent_id, amount, status) values ($1, $2, 999, 'succeeded')`,
            [user?.id, intent],
          );
        }
        await subject.query(`delete from payments where stripe_payment_intent_id = 'pi_mistake'`);
        await subject.query(`delete from users where id = $1`, [user?.id]);
        const archived = await subject.query('select data from archived_payments');
        expect(archived).to.have.lengthOf(1);
        expect(archived[0]?.data)
          .to.include({ stripe_payment_intent_id: 'pi_eve', amount: 999 })
          .and.not.to.have.any.keys('user_id', 'subscription_id', 'stripe_customer_id');
      });
    });
  }

  describe('run by several processes at once', () => {
    const databases = testDatabases;

    for (const origin of ORIGINS) {
      for (const round of [1, 2, 3]) {
        it(`succeed in each, once in all: ${origin}, round ${round}`, async () => {
          const name = await createDatabase(databases(), origin);
          const command = () =>
            runToEnd({
              name: 'migrate',
              script: 'src/shared/database/migrate-command.ts',
              env: {
                ...databases().environment(name),
                DB_POOL_MAX: round === 1 ? '2' : '10',
                TZ: 'Asia/Tokyo',
              },
            });
          const outputs = await Promise.all([command(), command(), command()]);
          const applied = outputs
            .flat()
            .filter((line) => line.includes(`Applied ${migrations.length} migrations`));
          const idle = outputs.flat().filter((line) => line.includes('The database is up to date'));
          expect([applied.length, idle.length]).to.deep.equal([1, 2]);
          const [count] = await databases().query(name, 'select count(*)::int as rows from customers');
          expect(count?.rows).to.equal({ empty: 0, sql: 6, gorm: 7 }[origin]);
          await databases().drop(name);
        });
      }
    }
  });
});
