import { expect } from 'chai';
import { pino } from 'pino';
import { type Link, startLink } from '../../../rig/outage.ts';
import { freePort } from '../../../rig/ports.ts';
import {
  inTransaction,
  isDatabaseAway,
  isPassingFailure,
  openDatabase,
} from '../../../src/shared/database/index.ts';
import { MaintenanceState } from '../../../src/shared/entities/index.ts';

type Database = Awaited<ReturnType<typeof openDatabase>>;

/** Every way on which a statement reaches PostgreSQL; what it fails with comes back differently on each. */
const WAYS: Readonly<Record<string, (orm: Database, statement: string) => Promise<unknown>>> = {
  execute: (orm, statement) => orm.em.fork().execute(statement),
  transaction: (orm, statement) => orm.em.fork().transactional((em) => em.execute(statement)),
  'raw transaction': (orm, statement) => inTransaction(orm, (transaction) => transaction.ask(statement)),
  'query builder': (orm, statement) =>
    orm.em
      .fork()
      .createQueryBuilder(MaintenanceState)
      .insert({ name: statement, data: {}, updatedAt: new Date() })
      .execute('run'),
};

/** SQLSTATEs, and what they say about the database. */
const CODES: readonly [code: string, says: 'away' | 'passing' | 'mistake'][] = [
  ['08006', 'away'],
  ['08P01', 'away'],
  ['25006', 'away'],
  ['25P03', 'away'],
  ['53300', 'away'],
  ['57P01', 'away'],
  ['57P02', 'away'],
  ['57P03', 'away'],
  ['58030', 'away'],
  ['53100', 'passing'],
  ['53200', 'passing'],
  ['57014', 'passing'],
  ['40001', 'passing'],
  ['40P01', 'passing'],
  ['55P03', 'passing'],
  ['23505', 'mistake'],
  ['42703', 'mistake'],
  ['42501', 'mistake'],
  ['22P05', 'mistake'],
];

describe('What the database fails with', () => {
  let link: Link;
  let orm: Database;

  before(async () => {
    link = await startLink(Number(process.env.TEST_DB_PORT), process.env.TEST_DB_HOST);
    orm = await open(link.port);
    await orm.em
      .fork()
      .execute('create table maintenance_state (name text, data jsonb, updated_at timestamp)');
    await orm.em.fork().execute(`
      create function fail() returns trigger language plpgsql as $$
      begin raise exception using errcode = right(new.name, 5), message = 'as the test wants it'; end $$`);
    await orm.em
      .fork()
      .execute('create trigger fail before insert on maintenance_state for each row execute function fail()');
  });
  after(async () => {
    await orm.em.fork().execute('drop table maintenance_state; drop function fail');
    await orm.close();
    await link.close();
  });

  function open(port: number): Promise<Database> {
    const { TEST_DB_HOST: host = '', TEST_DB_USER = '', TEST_DB_PASSWORD = '' } = process.env;
    return openDatabase(
      {
        host,
        port,
        user: TEST_DB_USER,
        password: TEST_DB_PASSWORD,
        name: 'postgres',
        tls: undefined,
        risk: undefined,
        poolMax: 2,
      },
      pino({ level: 'silent' }),
    );
  }

  async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
    return work().then(
      () => expect.fail('nothing failed'),
      (thrown: unknown) => thrown,
    );
  }

  function said(thrown: unknown): string {
    if (isDatabaseAway(thrown)) return isPassingFailure(thrown) ? 'away' : 'away and not passing';
    return isPassingFailure(thrown) ? 'passing' : 'mistake';
  }

  for (const [way, run] of Object.entries(WAYS)) {
    it(`is judged by its SQLSTATE, by way of: ${way}`, async () => {
      for (const [code, says] of CODES) {
        const statement =
          way === 'query builder'
            ? `name-${code}`
            : `insert into maintenance_state (name) values ('name-${code}')`;
        expect(said(await failureOf(() => run(orm, statement))), code).to.equal(says);
      }
    });

    it(`is an outage when the connection breaks, by way of: ${way}`, async () => {
      link.down();
      expect(said(await failureOf(() => run(orm, 'select 1')))).to.equal('away');
      link.up();
    });
  }

  it('is an outage when nothing listens, and when the pool has no connection to give', async () => {
    const nowhere = await open(await freePort());
    for (const run of Object.values(WAYS)) {
      expect(said(await failureOf(() => run(nowhere, 'select 1')))).to.equal('away');
    }
    await nowhere.close();

    const pool = await orm.em.getConnection().getNativeClient();
    const taken = await Promise.all([pool.connect(), pool.connect()]);
    expect(said(await failureOf(() => orm.em.fork().transactional((em) => em.execute('select 1'))))).to.equal(
      'away',
    );
    for (const client of taken) client.release();
  });

  it('is found behind what others made of it', async () => {
    const failure = await failureOf(() =>
      orm.em.fork().execute(`insert into maintenance_state (name) values ('name-25006')`),
    );
    const wrapped = new Error('The sweep failed', { cause: failure });
    expect(said(wrapped)).to.equal('away');
    expect(said(new AggregateError([new Error('another'), wrapped]))).to.equal('away');
  });

  it('is a mistake when it is none of the database’s', () => {
    const stranger = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    expect(said(stranger)).to.equal('mistake');
    expect(said(undefined)).to.equal('mistake');
  });
});
