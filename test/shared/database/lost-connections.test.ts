import { expect } from 'chai';
import { pino } from 'pino';
import { type Link, startLink } from '../../../rig/outage.ts';
import { openDatabase } from '../../../src/shared/database/index.ts';

const PLACES = 2;

describe('A pool whose connections are lost', function () {
  this.timeout(20_000);

  let link: Link;
  let orm: Awaited<ReturnType<typeof openDatabase>>;

  beforeEach(async () => {
    const { TEST_DB_HOST, TEST_DB_PORT, TEST_DB_USER = '', TEST_DB_PASSWORD = '' } = process.env;
    link = await startLink(Number(TEST_DB_PORT), TEST_DB_HOST);
    const where = { host: link.host, port: link.port, user: TEST_DB_USER, password: TEST_DB_PASSWORD };
    orm = await openDatabase(
      { ...where, name: 'postgres', tls: undefined, risk: undefined, poolMax: PLACES },
      pino({ level: 'silent' }),
    );
  });
  afterEach(() => link.close());

  const outages: Readonly<Record<string, { before?: () => void; within?: () => void }>> = {
    'in the middle of transactions': { within: () => link.down() },
    'when transactions begin': { before: () => link.downAfterAnswering(0) },
  };
  for (const [when, { before, within }] of Object.entries(outages)) {
    it(`${when} has all its places again, and can be closed`, async () => {
      for (let outage = 0; outage <= PLACES; outage++) {
        await all(() => orm.em.fork().execute('select 1'));
        before?.();
        const lost = all(() =>
          orm.em.fork().transactional(async (em) => {
            await em.execute('select 2');
            within?.();
            await em.execute('select 3');
          }),
        );
        expect((await lost).map(({ status }) => status)).to.deep.equal(Array(PLACES).fill('rejected'));
        link.up();
      }
      const found = await all(() => orm.em.fork().execute('select 1'));
      expect(found.map(({ status }) => status)).to.deep.equal(Array(PLACES).fill('fulfilled'));
      await orm.close();
    });
  }
});

function all(work: () => Promise<unknown>): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(Array.from({ length: PLACES }, work));
}
