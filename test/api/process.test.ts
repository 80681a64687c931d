import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { readWebConfig } from '../../src/api/index.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { Api } from './support/api.ts';

async function waitsForLock(api: Api): Promise<true | undefined> {
  const waiting = await api.query(
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return waiting.length > 0 || undefined;
}

describe('The web process', () => {
  it('names everything that is missing at once, and never a value', () => {
    const attempt = () =>
      readWebConfig({ STRIPE_SECRET_KEY: 'oops-a-secret', PAIEMENTS_SERVICE_PORT: 'http' });
    expect(attempt).to.throw(ConfigError);
    try {
      attempt();
    } catch (error) {
      const { problems, message } = error as ConfigError;
      expect(message).not.to.contain('oops');
      for (const name of [
        'PAIEMENTS_SERVICE_PORT',
        'DB_HOST',
        'DB_USER',
        'DB_NAME',
        'REDIS_URL',
        'STRIPE_SECRET_KEY',
        'STRIPE_PRICE_MENSUEL',
        'STRIPE_PRICE_ANNUEL',
        'STRIPE_WEBHOOK_SECRET',
        'STRIPE_SUCCESS_URL',
        'STRIPE_CANCEL_URL',
        'JWT_SECRET',
      ]) {
        expect(
          problems.some((problem) => problem.startsWith(name)),
          name,
        ).to.equal(true);
      }
    }
  });

  it('finishes the request in hand before it stops, and takes no other', async () => {
    const api = await Api.start();
    await api.addUser(1);
    const stopping = await api.session(async (sql) => {
      await sql.query('begin');
      await sql.query('lock table users');
      const slow = api.ask('/api/stripe/subscription', { as: 1 });
      await poll(() => waitsForLock(api), { everyMs: 10, timeoutMs: 10_000 });
      const closed = api.close();
      await sql.query('commit');
      expect((await slow).status).to.equal(200);
      return { closed };
    });
    await stopping.closed;
    const refused = await api.ask('/health/live').catch((error: Error) => error);
    expect(refused).to.be.instanceOf(TypeError);
  });
});
