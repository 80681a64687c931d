import { expect } from 'chai';
import { freePort } from '../../rig/ports.ts';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { Api, useApi } from './support/api.ts';
import { delivery, signatureOf, stripeEvent } from './support/webhook.ts';

const PATH = '/api/stripe/webhook';

describe('While Redis is away', () => {
  let redis: RedisServer;
  const api = useApi(async () => {
    redis = await startRedis();
    return { env: { REDIS_URL: redis.url } };
  });
  before(() => redis.kill());
  after(() => redis.close());

  const event = stripeEvent({ created: 1_789_999_999 });
  const body = JSON.stringify(event);

  it('an event is stored in PostgreSQL before the 200', async () => {
    const answer = await api().ask(PATH, delivery(body));
    expect(answer).to.deep.include({ status: 200, body: { received: true } });

    const rows = await api().query(
      'select * , created_at::text as created, stripe_created_at::text as stripe_created from webhook_events',
    );
    expect(rows).to.have.length(1);
    expect(rows[0]).to.deep.include({
      stripe_event_id: event.id,
      event_type: 'invoice.paid',
      processed: false,
      processed_at: null,
      error_message: null,
      waiting_for: null,
      retry_count: 0,
      livemode: false,
      data: event,
      // 1789999999 in UTC, although the session's zone is Paris.
      stripe_created: '2026-09-21 14:13:19',
    });
    const age = Date.now() - Date.parse(`${rows[0]?.created}Z`);
    expect(age).to.be.within(-1_000, 20_000);
    expect(api().log.some((line) => line.includes('"level":40') && line.includes(event.id))).to.equal(true);
  });

  it('an event with what PostgreSQL cannot keep is stored too, and says what stood there', async () => {
    const strange = stripeEvent({ data: { object: { description: 'a\0b \ud83d' } } });
    expect((await api().ask(PATH, delivery(JSON.stringify(strange)))).status).to.equal(200);
    const [row] = await api().query('select data from webhook_events where stripe_event_id = $1', [
      strange.id,
    ]);
    expect(row?.data).to.deep.equal({
      ...strange,
      data: { object: { description: 'a\\u0000b \\ud83d' } },
    });
    await api().query('delete from webhook_events where stripe_event_id = $1', [strange.id]);
  });

  it('an event that is already there stays as it is', async () => {
    await api().query(`update webhook_events set retry_count = 7, error_message = 'seen'`);
    expect((await api().ask(PATH, delivery(body))).status).to.equal(200);
    const rows = await api().query('select retry_count, error_message from webhook_events');
    expect(rows).to.deep.equal([{ retry_count: 7, error_message: 'seen' }]);
  });

  it('a forged event is still refused', async () => {
    const answer = await api().ask(PATH, delivery(JSON.stringify(stripeEvent()), 't=1,v1=00'));
    expect(answer.status).to.equal(400);
    expect(await api().query('select * from webhook_events')).to.have.length(1);
  });

  it('a row that PostgreSQL refuses is a 503, and its payload stays out of the log', async () => {
    await api().query('alter table webhook_events rename to webhook_events_away');
    try {
      const secretive = JSON.stringify(stripeEvent({ data: { object: { card: '4242424242424242' } } }));
      const answer = await api().ask(PATH, delivery(secretive));
      expect(answer.status).to.equal(503);
      expect(answer.body.code).to.equal('event_not_stored');
      expect(api().log.join('')).not.to.contain('4242424242424242');
    } finally {
      await api().query('alter table webhook_events_away rename to webhook_events');
    }
  });

  it('a login is answered 503: nobody can tell whether it was revoked', async () => {
    const answer = await api().ask('/api/stripe/subscription', { as: 1 });
    expect(answer.status).to.equal(503);
    expect(answer.body).to.include({ success: false, code: 'login_check_unavailable' });
    expect(answer.headers.get('retry-after')).to.equal('5');
  });

  it('health says so', async () => {
    const health = await api().ask('/health');
    expect(health.status).to.equal(503);
    expect(health.body).to.deep.equal({
      status: 'unhealthy',
      service: 'paiements-service',
      database: 'connected',
      redis: 'disconnected',
    });
    const ready = await api().ask('/health/ready');
    expect(ready.status).to.equal(503);
    expect(ready.body).to.deep.equal({
      ready: false,
      checks: { database: true, redis: false, stripe_config: true },
    });
    expect((await api().ask('/health/live')).status).to.equal(200);
  });

  it('and the queue takes events again once it is back, without a restart', async () => {
    await redis.start();
    // What proves that the connection is up again is the first answer that is ready.
    while ((await api().ask('/health/ready')).status !== 200);
    const later = stripeEvent();
    expect((await api().ask(PATH, delivery(JSON.stringify(later)))).status).to.equal(200);
    expect(await api().inQueue('stripe-events', (queue) => queue.getJob(later.id))).not.to.equal(undefined);
    expect(await api().query('select * from webhook_events')).to.have.length(1);
  });
});

describe('While Redis hangs', () => {
  let redis: RedisServer;
  const api = useApi(async () => {
    redis = await startRedis();
    return { env: { REDIS_URL: redis.url } };
  });
  after(() => {
    redis.thaw();
    return redis.close();
  });

  it('an event is stored in PostgreSQL within a few seconds', async () => {
    redis.freeze();
    const event = stripeEvent();
    const startedAt = Date.now();
    expect((await api().ask(PATH, delivery(JSON.stringify(event)))).status).to.equal(200);
    expect(Date.now() - startedAt).to.be.below(5_000);
    expect(await api().query('select stripe_event_id from webhook_events')).to.deep.equal([
      { stripe_event_id: event.id },
    ]);
  });
});

describe('While PostgreSQL is away', () => {
  const api = useApi(async () => ({ env: { DB_PORT: String(await freePort()), AUTO_MIGRATE: 'false' } }));

  it('an event is queued all the same', async () => {
    const event = stripeEvent();
    expect((await api().ask(PATH, delivery(JSON.stringify(event)))).status).to.equal(200);
    expect(await api().inQueue('stripe-events', (queue) => queue.getJob(event.id))).not.to.equal(undefined);
  });

  it('what needs rows is answered 503 with Retry-After and without a word about the database', async () => {
    for (const path of [
      '/api/stripe/subscription',
      '/api/stripe/payment/history',
      '/api/stripe/payment/stats',
    ]) {
      const answer = await api().ask(path, { as: 1 });
      expect(answer.status, path).to.equal(503);
      expect(answer.body).to.include({ success: false, code: 'database_unavailable' });
      expect(answer.headers.get('retry-after')).to.equal('5');
      expect(answer.body.error).not.to.match(/ECONN|127\.0\.0\.1|select/i);
    }
  });

  it('health says so', async () => {
    const health = await api().ask('/health');
    expect(health.status).to.equal(503);
    expect(health.body).to.include({ database: 'disconnected', redis: 'connected' });
    expect((await api().ask('/health/ready')).body.checks).to.include({ database: false, redis: true });
    expect((await api().ask('/health/live')).status).to.equal(200);
  });
});

describe('While both are away', () => {
  let api: Api;
  before(async () => {
    const [database, redis] = [await freePort(), await freePort()];
    api = await Api.start({
      env: { DB_PORT: String(database), AUTO_MIGRATE: 'false', REDIS_URL: `redis://127.0.0.1:${redis}` },
    });
  });
  after(() => api.close());

  it('the process is up, and Stripe is told to come again', async () => {
    const body = JSON.stringify(stripeEvent());
    const answer = await api.ask(PATH, delivery(body, signatureOf(body)));
    expect(answer.status).to.equal(503);
    expect(answer.headers.get('retry-after')).to.equal('30');
    expect(answer.body).to.include({ success: false, code: 'event_not_stored' });
  });
});
