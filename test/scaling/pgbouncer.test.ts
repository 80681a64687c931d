import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { type PgBouncer, startPgBouncer } from '../../rig/pgbouncer.ts';
import { Pile } from '../../rig/pile.ts';
import { startPostgres } from '../../rig/postgres.ts';
import { skipBecause } from '../../rig/skip.ts';
import { database as databasePart, readConfig } from '../../src/shared/config/index.ts';
import { migrate, openDatabase } from '../../src/shared/database/index.ts';
import { toError } from '../../src/shared/errors.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { Buyer } from './support/buyer.ts';

/** Fewer than our processes would like, so that they have to share: what one leaves in a session, the next finds. */
const SERVER_CONNECTIONS = 2;
const BUYERS = 8;

describe('On PostgreSQL behind PgBouncer in transaction mode', function () {
  this.timeout(300_000);
  const pile = new Pile();
  let matcha: Matcha;

  before(async function () {
    const postgres = pile.add(
      await startPostgres({ durability: 'fast', settings: { timezone: 'Europe/Paris' } }),
    );
    let pooler: PgBouncer;
    try {
      pooler = pile.add(await startPgBouncer(postgres.databases.server, SERVER_CONNECTIONS));
    } catch (thrown) {
      await pile.close();
      skipBecause(this, toError(thrown).message);
    }
    // Migrates through the pooler, too.
    matcha = pile.add(
      await startMatcha({
        postgres,
        workers: 2,
        env: { DB_HOST: pooler.host, DB_PORT: String(pooler.port), SWEEP_INTERVAL_SECONDS: '1' },
      }),
    );
  });
  after(() => pile.close());

  it('more processes than server connections migrate a new database at once', async () => {
    await matcha.databases.create('migrated_by_many');
    const { database } = readConfig(
      { database: databasePart },
      { ...matcha.env, DB_NAME: 'migrated_by_many' },
    );
    const logger = createLogger('test', 'silent');
    await Promise.all(
      Array.from({ length: SERVER_CONNECTIONS + 1 }, async () => {
        const orm = await openDatabase(database, logger);
        await migrate(orm, logger).finally(() => orm.close());
      }),
    );
    const tables = `select to_regclass('outbox_messages') is not null as there`;
    expect(await matcha.databases.query('migrated_by_many', tables)).to.deep.equal([{ there: true }]);
  });

  it('many purchase at once, and each is told once', async () => {
    const buyers = await Promise.all(Array.from({ length: BUYERS }, () => Buyer.open(matcha)));
    for (const buyer of buyers) pile.add(buyer);
    await Promise.all(buyers.map((buyer) => buyer.buys()));
    await Promise.all(buyers.map((buyer) => buyer.hears('premium_activated', 'payment_succeeded')));
    for (const buyer of buyers) {
      expect(buyer.heard).to.have.members(['connection_ack', 'premium_activated', 'payment_succeeded']);
      expect((await buyer.subscription()).is_premium).to.equal(true);
    }
  });

  it('times are UTC, whatever the session’s zone', async () => {
    const [row] = await matcha.query(
      `select max(abs(extract(epoch from created_at) - extract(epoch from now() at time zone 'UTC'))) as off
       from webhook_events`,
    );
    expect(Number(row?.off)).to.be.below(600);
  });

  it('no lock outlives its transaction', async () => {
    const locks = await matcha.query(`select pid from pg_locks where locktype = 'advisory'`);
    const idle = await matcha.query(`select pid from pg_stat_activity where state = 'idle in transaction'`);
    expect({ locks, idle }).to.deep.equal({ locks: [], idle: [] });
  });
});
