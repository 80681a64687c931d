import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { Installation, type Purchase } from './support/installation.ts';

const TIMEOUT_MS = 120_000;
const BOTH = ['payment_succeeded', 'premium_activated'];

/** What a failover leaves behind: a server that answers, and takes no writes. */
describe('A PostgreSQL that has become read-only', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(40_000);
  let installation: Installation;

  before(async () => {
    installation = await Installation.start();
  });
  afterEach(async () => {
    await readOnly('reset');
    await installation.matcha.databases.query(
      'postgres',
      'alter database matcha reset default_transaction_read_only',
    );
    // What a connection began with it keeps.
    await installation.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'paiements-service'`,
    );
    await installation.mend();
  });
  after(() => installation?.close());

  /** For every connection there is, and for new ones. */
  async function readOnly(how: 'set' | 'reset'): Promise<void> {
    const { databases } = installation.matcha;
    const change = how === 'set' ? 'set default_transaction_read_only = on' : 'reset all';
    await databases.query('postgres', `alter system ${change}`);
    await databases.query('postgres', 'select pg_reload_conf()');
    await installation.until(`the server is ${how}`, async () => {
      const [row] = await databases.query('postgres', 'show default_transaction_read_only');
      return row?.default_transaction_read_only === (how === 'set' ? 'on' : 'off');
    });
  }

  /** What a failover is to us: connections that are open stay read-only, new ones find the new primary. */
  async function failOver(): Promise<void> {
    await installation.matcha.databases.query(
      'postgres',
      'set transaction read write; alter database matcha set default_transaction_read_only = off',
    );
    await readOnly('set');
  }

  function ask(path: string, { as, method = 'GET' }: { as?: number; method?: string } = {}) {
    const { secrets, urls } = installation.matcha;
    const token = jwt.sign({ scope: 'access' }, secrets.jwtSecret, { subject: String(as), expiresIn: '1h' });
    return fetch(`${urls.web}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-user-id': String(as), 'x-jwt-token': token },
      ...(method === 'POST' ? { body: JSON.stringify({ plan_type: 'mensuel' }) } : {}),
    });
  }

  async function jobsOf(events: readonly { id: string }[]) {
    const redis = installation.redisClient();
    const keys = await Promise.all(events.map(({ id }) => redis.keys(`*:stripe-events:${id}`)));
    return Promise.all(keys.flat().map((key) => redis.hgetall(key)));
  }

  it('is an outage: events are accepted and wait, users are told 503, nobody is ready', async () => {
    const purchase = await installation.purchase();
    const buyer = await installation.user();
    const listener = await installation.listen(purchase.userId);
    const events = await installation.eventsOf(purchase);
    await readOnly('set');

    const waiting = installation.worker.waitForLine(/PostgreSQL is away; jobs wait for it/, 20_000);
    const told = await installation.tellAll(events);
    expect(new Set(told.map(({ status }) => status))).to.deep.equal(new Set([200]));
    await waiting;

    const purchased = await ask('/api/stripe/subscription', { as: buyer, method: 'POST' });
    expect(purchased.status).to.equal(503);
    expect(purchased.headers.get('retry-after')).to.equal('5');
    expect(await purchased.json()).to.include({ code: 'database_unavailable' });
    const ready = await ask('/health/ready');
    expect(ready.status).to.equal(503);
    expect(await ready.json()).to.deep.include({
      checks: { database: false, redis: true, stripe_config: true },
    });
    expect(await (await ask('/health')).json()).to.include({ database: 'disconnected' });

    await readOnly('reset');
    await installation.applied(events);
    await installation.announced();
    expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
    expect(await listener.hears(2)).to.deep.equal(BOTH);
    expect((await ask('/health/ready')).status).to.equal(200);
    // No attempt was used up, and nothing was noted as failed.
    const burnt = (await jobsOf(events)).map(({ atm, stc }) => ({ atm, stc }));
    expect(new Set(burnt.map(({ atm }) => atm))).to.deep.equal(new Set(['1']));
    expect(
      await installation.count(
        'webhook_events where coalesce(retry_count, 0) > 0 or error_message is not null',
      ),
    ).to.equal(0);
  });

  it('is left for the new primary, without a restart and without a connection to the old one', async () => {
    const buyer = await installation.user();
    const before: Purchase[] = [await installation.purchase(), await installation.purchase()];
    for (const purchase of before) await installation.tellAll(await installation.eventsOf(purchase));
    await installation.applied(await installation.eventsOf(...before));
    // Several connections of web are open and idle.
    await Promise.all(Array.from({ length: 8 }, () => ask('/api/stripe/payment/history', { as: buyer })));
    const [{ pids = [] } = {}] = await installation.query<{ pids: number[] }>(
      `select array_agg(pid) as pids from pg_stat_activity
       where application_name = 'paiements-service' and datname = current_database()`,
    );
    expect(pids.length).to.be.greaterThan(2);
    await failOver();

    const purchase = await installation.purchase();
    const events = await installation.eventsOf(purchase);
    await installation.tellAll(events);
    await installation.applied(events, 10_000);
    expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));

    // The first to write finds out, for all connections of its process.
    expect((await ask('/api/stripe/subscription', { as: buyer, method: 'POST' })).status).to.be.oneOf([
      200, 503,
    ]);
    expect((await ask('/api/stripe/subscription', { as: buyer, method: 'POST' })).status).to.equal(200);
    expect((await ask('/health/ready')).status).to.equal(200);
    await installation.until(
      'every connection to the old primary is closed',
      async () => (await installation.count('pg_stat_activity where pid = any($1)', [pids])) === 0,
      5_000,
    );
  });

  it('does not take an event that Redis did not: 503, and the next one is stored by the new primary', async () => {
    const purchase = await installation.purchase();
    const [first, ...rest] = await installation.eventsOf(purchase);
    if (first === undefined) throw new Error('A purchase has events');
    await installation.worker.stop();
    await installation.redis.kill();
    await readOnly('set');
    expect(await installation.tell(first)).to.include({ status: 503, retryAfter: '30' });
    expect(await installation.count('webhook_events where stripe_event_id = $1', [first.id])).to.equal(0);

    await failOver();
    const told = [await installation.tell(first)];
    for (const event of rest) told.push(await installation.tell(event));
    expect(told.map(({ status }) => status).filter((status) => status !== 200)).to.deep.equal([]);
    await installation.redis.start();
    await installation.startWorker();
    await installation.ageRows();
    await installation.applied([first, ...rest]);
  });
});

describe('A PostgreSQL that comes back as a standby', function () {
  this.timeout(TIMEOUT_MS);
  let installation: Installation;

  before(async () => {
    installation = await Installation.start({}, { wal_level: 'replica' });
  });
  after(() => installation?.close());

  it('is waited for until it is promoted', async () => {
    const { postgres, urls } = installation.matcha;
    const purchase = await installation.purchase();
    const events = await installation.eventsOf(purchase);
    await postgres.stop();
    await postgres.startAsStandby();
    await installation.tellAll(events);
    await installation.worker.waitForLine(/PostgreSQL is away; jobs wait for it/, 20_000);
    expect((await fetch(`${urls.web}/health/ready`)).status).to.equal(503);

    await postgres.databases.query('postgres', 'select pg_promote()');
    await installation.applied(events);
    expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
    expect((await fetch(`${urls.web}/health/ready`)).status).to.equal(200);
  });
});
