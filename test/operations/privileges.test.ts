import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { withSql } from '../../rig/sql.ts';
import { read } from '../deploy/support.ts';
import { ask, buy, eventually, sandbox, settled } from './support/purchase.ts';

describe('deploy/postgres/privileges.sql', function () {
  this.timeout(180_000);
  const password = randomBytes(12).toString('hex');
  let matcha: Matcha;

  before(async () => {
    matcha = await startMatcha({
      durability: 'fast',
      env: { SWEEP_INTERVAL_SECONDS: '1', RECONCILE_INTERVAL_SECONDS: '1' },
    });
    // What other services have in the same database.
    await matcha.query('create table messages (id serial primary key, body text)');
    await matcha.query('alter table users add column password_hash text');
    const sql = read('deploy/postgres/privileges.sql');
    // Twice: it is run again after every migration.
    for (let run = 0; run < 2; run++) await matcha.query(sql);
    await matcha.query(`alter role paiements login password '${password}'`);
    const login = { DB_USER: 'paiements', DB_PASSWORD: password };
    for (const process of [...matcha.webs, ...matcha.workers]) await process.restart(login);
  });
  after(() => matcha?.close());

  /** Runs a statement as the service would. @returns PostgreSQL's error code, or `allowed` */
  async function asService(statement: string): Promise<string> {
    const address = { ...matcha.databases.address(matcha.database), user: 'paiements', password };
    return withSql(address, async (sql) => {
      try {
        await sql.query(statement);
        return 'allowed';
      } catch (error) {
        return String((error as { code?: string }).code);
      }
    });
  }

  it('is enough for web and worker, from the purchase to the refund', async () => {
    const { id, headers } = await buy(matcha);
    await settled(matcha);
    const get = (path: string) =>
      ask<Record<string, unknown>>(matcha, 'GET', `/api/stripe/${path}`, { headers });
    expect(await get('subscription')).to.have.property('is_premium', true);
    expect(await get('payment/history')).to.have.property('total', 1);
    expect(await get('payment/stats')).to.have.property('successful_payments', 1);

    const admin = { headers: { 'x-internal-key': matcha.secrets.internalKey } };
    await ask(matcha, 'GET', '/api/admin/webhook/events?state=failed', admin);
    await ask(matcha, 'POST', '/api/admin/webhook/retry', admin);
    await ask(matcha, 'GET', '/api/admin/attention', admin);
    await ask(matcha, 'POST', `/api/admin/payment/sync/${id}`, admin);

    const [bought] = await matcha.query('select stripe_subscription_id as stripe_id from subscriptions');
    await sandbox(matcha, 'refund', { of: String(bought?.stripe_id) });
    await ask(matcha, 'DELETE', '/api/stripe/subscription', { headers, body: { at_period_end: false } });
    await eventually('the refund and the end are on the books', async () => {
      const [row] = await matcha.query(
        `select (select amount_refunded > 0 from payments) as refunded,
           (select status = 'canceled' from subscriptions) as ended,
           (select count(*) from maintenance_state where name = 'reconciled-until')::int as reconciled,
           (select count(*) from outbox_messages where delivered_at is null)::int as untold`,
      );
      return row?.refunded === true && row.ended === true && row.reconciled === 1 && row.untold === 0;
    });
    await ask(matcha, 'DELETE', `/api/admin/user/${id}/billing`, admin);
    const lines = [...matcha.webs, ...matcha.workers].flatMap((process) => process.lines);
    expect(lines.filter((line) => /permission denied|must be owner/.test(line))).to.deep.equal([]);
    expect(await matcha.query(`select * from webhook_events where error_message is not null`)).to.deep.equal(
      [],
    );
  });

  it('is enough for another service to delete a user: the money stays on the books', async () => {
    await matcha.query('delete from users');
    const [archived] = await matcha.query('select count(*)::int as count from archived_payments');
    expect(archived?.count).to.equal(1);
  });

  const DENIED = '42501';
  for (const statement of [
    'drop table payments',
    'drop table messages',
    'alter table payments add column x int',
    'truncate payments',
    'create table mine (id int)',
    'select * from messages',
    'select password_hash from users',
    'select * from users',
    `update users set email = 'x'`,
    'update users set email_verified = true',
    'delete from users',
    `insert into users (email) values ('x')`,
    'delete from subscriptions',
    'delete from webhook_events',
    'delete from outbox_messages',
    'select * from archived_payments',
    'create role friend',
    `copy payments to '/tmp/stolen'`,
  ]) {
    it(`does not allow: ${statement}`, async () => {
      expect(await asService(statement)).to.equal(DENIED);
    });
  }

  it('allows what it says', async () => {
    for (const statement of [
      'select id, email, email_verified, premium from users',
      'update users set premium = now() where id = 0',
      'select count(*) from payments',
    ]) {
      expect(await asService(statement), statement).to.equal('allowed');
    }
  });
});
