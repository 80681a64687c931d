import { expect } from 'chai';
import { type Link, startLink } from '../../rig/outage.ts';
import { useApi } from './support/api.ts';
import { delivery, stripeEvent } from './support/webhook.ts';

const TIMEOUT_MS = 400;
const PATH = '/api/stripe/subscription';

describe('While PostgreSQL hangs', () => {
  let link: Link;
  const api = useApi(async () => {
    link = await startLink(Number(process.env.TEST_DB_PORT), process.env.TEST_DB_HOST);
    return {
      env: { DB_PORT: String(link.port), DB_STATEMENT_TIMEOUT_MS: String(TIMEOUT_MS), DB_POOL_MAX: '4' },
    };
  });
  before(async () => {
    await api().addUser(1);
    // Several connections are open, and idle, when it begins.
    const asked = await Promise.all(Array.from({ length: 6 }, () => api().ask(PATH, { as: 1 })));
    expect(new Set(asked.map(({ status }) => status))).to.deep.equal(new Set([200]));
  });
  after(() => link?.close());

  it('a request is answered 503 in bounded time, on every connection of the pool', async () => {
    link.silent();
    const startedAt = Date.now();
    const answers = await Promise.all(Array.from({ length: 4 }, () => api().ask(PATH, { as: 1 })));
    for (const answer of answers) {
      expect(answer.status).to.equal(503);
      expect(answer.body.code).to.equal('database_unavailable');
      expect(answer.headers.get('retry-after')).to.equal('5');
    }
    expect(Date.now() - startedAt).to.be.within(TIMEOUT_MS - 50, 6_500);
  });

  it('events go on being accepted', async () => {
    const answer = await api().ask('/api/stripe/webhook', delivery(JSON.stringify(stripeEvent())));
    expect(answer.status).to.equal(200);
  });

  it('and when it answers again so do we, at once: no connection waits behind a statement that hung', async () => {
    link.up();
    const startedAt = Date.now();
    const answers = await Promise.all(Array.from({ length: 8 }, () => api().ask(PATH, { as: 1 })));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
    expect(Date.now() - startedAt).to.be.below(TIMEOUT_MS * 5);
  });

  it('statements that hang on one table leave the pool to the rest', async () => {
    const { refused, served } = await api().session(async (sql) => {
      await sql.query('begin');
      await sql.query('lock table users');
      const ask = (path: string) => Promise.all(Array.from({ length: 4 }, () => api().ask(path, { as: 1 })));
      // As many as the pool has connections; none of them may go back to it with its statement still running.
      const hung = await ask(`${PATH}/premium-status`);
      const others = await ask('/api/stripe/payment/stats');
      await sql.query('rollback');
      return { refused: hung, served: others };
    });
    expect(refused.map(({ status }) => status)).to.deep.equal([503, 503, 503, 503]);
    expect(served.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
    expect((await api().ask(PATH, { as: 1 })).status).to.equal(200);
  });
});
