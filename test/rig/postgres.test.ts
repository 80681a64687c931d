import { access } from 'node:fs/promises';
import { expect } from 'chai';
import { Databases } from '../../rig/databases.ts';
import { type PostgresServer, startPostgres } from '../../rig/postgres.ts';
import { fails, reach } from './support.ts';

describe('rig: PostgreSQL', function () {
  this.timeout(60_000);
  let server: PostgresServer;

  before(async () => {
    server = await startPostgres({ durability: 'durable', settings: { timezone: 'Asia/Kolkata' } });
  });
  after(() => server.close());

  it('takes the settings it is given', async () => {
    const [row] = await server.databases.query('postgres', "SELECT current_setting('TimeZone') AS zone");
    expect(row).to.deep.equal({ zone: 'Asia/Kolkata' });
  });

  it('copies databases from a template that is prepared once', async () => {
    let prepared = 0;
    const prepare = async (): Promise<void> => {
      prepared += 1;
      await server.databases.query('seed', 'CREATE TABLE t AS SELECT 42 AS answer');
    };
    await Promise.all([1, 2].map(() => server.databases.createTemplate('seed', prepare)));
    await Promise.all(['one', 'two'].map((name) => server.databases.create(name, 'seed')));
    expect(prepared).to.equal(1);
    expect(await server.databases.query('two', 'SELECT answer FROM t')).to.deep.equal([{ answer: 42 }]);
  });

  for (const end of ['stop', 'stopImmediately', 'kill'] as const) {
    it(`keeps what was committed, its port and its password over ${end}() and start()`, async () => {
      const name = `kept_${end.toLowerCase()}`;
      await server.databases.create(name);
      await server.databases.query(name, 'CREATE TABLE t AS SELECT 1 AS n');
      await server[end]();
      expect(server.running).to.equal(false);
      await server.start();
      expect(await server.databases.query(name, 'SELECT n FROM t')).to.deep.equal([{ n: 1 }]);
    });
  }

  it('refuses another password', async () => {
    const stranger = new Databases({ ...server.databases.server, password: 'guess' });
    const error = await stranger.query('postgres', 'SELECT 1').then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).to.match(/password authentication failed/);
  });

  it('leaves nothing behind when it is closed', async () => {
    const short = await startPostgres({ durability: 'fast' });
    const [row] = await short.databases.query('postgres', 'SHOW data_directory');
    await short.close();
    expect(await fails(() => access(String(row?.data_directory)))).to.equal(true);
    expect(await fails(() => reach(short.port))).to.equal(true);
  });
});
