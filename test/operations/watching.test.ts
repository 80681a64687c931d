import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { freePort } from '../../rig/ports.ts';
import type { ManagedProcess } from '../../rig/process.ts';
import { buy, deliver, eventually, settled, WATCHED } from './support/purchase.ts';
import { addressOf, scrape } from './support/scrape.ts';

/** The first process of a kind. */
function first(processes: readonly ManagedProcess[]): ManagedProcess {
  const [process] = processes;
  if (!process) throw new Error('No such process was started');
  return process;
}

async function get(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url);
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} };
}

describe('Who watches web and worker', function () {
  this.timeout(120_000);
  let matcha: Matcha;
  let web: ManagedProcess;
  let worker: ManagedProcess;

  before(async () => {
    matcha = await startMatcha({
      durability: 'fast',
      env: { ...WATCHED, HEALTH_PORT: String(await freePort()) },
    });
    web = first(matcha.webs);
    worker = first(matcha.workers);
    await buy(matcha);
    await settled(matcha);
  });
  after(() => matcha?.close());

  it('finds every accepted webhook counted, and the refused by reason', async () => {
    const before = await scrape(web);
    const [{ count } = { count: 0 }] = await matcha.query(
      'select count(*)::int as count from webhook_events',
    );
    expect(before.value('paiements_webhooks_accepted_total', { kept: 'redis' })).to.equal(count);
    expect(before.value('paiements_webhooks_rejected_total')).to.equal(0);

    const url = `${matcha.urls.web}/api/stripe/webhook`;
    await fetch(url, { method: 'POST', body: '{}' });
    await fetch(url, { method: 'POST', body: '{}', headers: { 'stripe-signature': 't=1,v1=00' } });
    await fetch(url);
    expect(await deliver(matcha, { object: 'something else' })).to.equal(400);
    const after = await scrape(web);
    for (const reason of ['missing_signature', 'stale_signature', 'method_not_allowed', 'not_an_event']) {
      expect(after.value('paiements_webhooks_rejected_total', { reason }), reason).to.equal(1);
    }
    expect(after.value('paiements_webhook_last_accepted_timestamp_seconds')).to.be.closeTo(
      Date.now() / 1_000,
      120,
    );
    const requests = { route: '/api/stripe/webhook', method: 'POST', status: '200' };
    expect(after.value('paiements_http_request_duration_seconds_count', requests)).to.equal(count);
  });

  it('finds requests under the pattern of their route, whatever was asked for', async () => {
    const headers = { 'x-internal-key': matcha.secrets.internalKey };
    for (const id of [1_111, 2_222]) {
      await fetch(`${matcha.urls.web}/api/admin/payment/sync/${id}`, { method: 'POST', headers });
    }
    await fetch(`${matcha.urls.web}/no/such/${Math.random()}`);
    const { value, routes } = await scrape(web).then((told) => ({
      value: told.value('paiements_http_request_duration_seconds_count', {
        route: '/api/admin/payment/sync/:user_id',
        status: '404',
      }),
      routes: told.labelValues('paiements_http_request_duration_seconds_count', 'route'),
    }));
    expect(value).to.equal(2);
    expect(routes).to.include('unmatched');
    expect(routes.filter((route) => /\d/.test(route))).to.deep.equal([]);
  });

  it('finds what became of events, jobs and messages, and how long it took', async () => {
    const told = await scrape(worker);
    const [rows = {}] = await matcha.query(
      `select (select count(*) from webhook_events where outcome = 'applied')::int as applied,
         (select count(*) from webhook_events)::int as events, (select count(*) from outbox_messages)::int as messages`,
    );
    const { applied, events, messages } = rows;
    expect(told.value('paiements_events_total', { outcome: 'applied' })).to.equal(applied);
    expect(told.value('paiements_event_applied_delay_seconds_count')).to.equal(applied);
    expect(told.value('paiements_notifications_total', { outcome: 'delivered' })).to.equal(messages);
    expect(told.value('paiements_notified_delay_seconds_count')).to.equal(messages);
    expect(told.value('paiements_jobs_total', { queue: 'stripe-events', outcome: 'completed' })).to.equal(
      events,
    );
    expect(told.value('paiements_job_attempts_total', { queue: 'stripe-events' })).to.be.at.least(
      Number(events),
    );
    expect(told.value('paiements_unit_of_work_events_sum')).to.be.at.least(Number(events));
    for (const name of ['failed', 'parked', 'pending']) {
      expect(told.value(`paiements_events_${name}`), name).to.equal(0);
    }
    expect(told.value('paiements_outbox_undelivered')).to.equal(0);
    expect(told.value('paiements_queue_jobs', { queue: 'stripe-events', state: 'completed' })).to.equal(
      events,
    );
    expect(told.value('nodejs_eventloop_lag_p99_seconds')).to.be.a('number');
    expect(told.value('paiements_build_info', { process: 'worker', node: process.version })).to.equal(1);
  });

  it('finds Stripe’s API by operation, without ids', async () => {
    const told = await scrape(web);
    const operations = told.labelValues('paiements_stripe_request_duration_seconds_count', 'operation');
    expect(operations).to.include('POST /v1/checkout/sessions');
    for (const operation of operations) expect(operation).to.match(/^[A-Z]+ (?:\/(?:[a-z_1]+|:id))+$/);
  });

  it('is told nothing else on that port, and nothing on the public one', async () => {
    const address = addressOf(web, 'Metrics');
    for (const path of ['/', '/health/live', '/metrics/../x', '/api/stripe/subscription']) {
      expect((await get(`${address}${path}`)).status, path).to.equal(404);
    }
    expect((await fetch(`${address}/metrics`, { method: 'POST' })).status).to.equal(405);
    expect((await get(`${matcha.urls.web}/metrics`)).status).to.equal(404);
  });

  it('finds a worker alive and ready, on either port', async () => {
    for (const address of [addressOf(worker, 'Metrics'), addressOf(worker, 'Health')]) {
      expect(await get(`${address}/health/live`)).to.deep.equal({
        status: 200,
        body: { alive: true, service: 'paiements-worker' },
      });
      expect(await get(`${address}/health/ready`)).to.deep.equal({
        status: 200,
        body: { ready: true, checks: { database: true, redis: true, workers: true } },
      });
    }
    expect((await get(`${addressOf(worker, 'Health')}/metrics`)).status).to.equal(404);
  });

  it('still gets answers, in time, while PostgreSQL is away', async () => {
    await matcha.postgres.stop();
    const health = addressOf(worker, 'Metrics');
    try {
      await eventually('the scrape says so', async () => {
        const startedAt = Date.now();
        const told = await scrape(worker);
        expect(Date.now() - startedAt).to.be.below(6_000);
        // What cannot be read is left out: an alarm must not see a comforting 0.
        expect(told.value('paiements_outbox_undelivered') ?? 'absent').to.be.oneOf(['absent', 0]);
        return (
          told.value('paiements_postgres_up') === 0 &&
          told.value('paiements_outbox_undelivered') === undefined &&
          told.value('paiements_redis_up') === 1
        );
      });
      expect((await get(`${health}/health/live`)).status).to.equal(200);
      const { status, body } = await get(`${health}/health/ready`);
      expect(status).to.equal(503);
      expect(body).to.deep.equal({ ready: false, checks: { database: false, redis: true, workers: true } });
    } finally {
      await matcha.postgres.start();
    }
    await eventually('ready again', async () => (await get(`${health}/health/ready`)).status === 200);
  });

  it('still gets answers, in time, while Redis hangs', async () => {
    const health = addressOf(worker, 'Metrics');
    matcha.redis?.freeze();
    try {
      await eventually('the scrape says so', async () => {
        const startedAt = Date.now();
        const told = await scrape(worker);
        expect(Date.now() - startedAt).to.be.below(6_000);
        return told.value('paiements_redis_up') === 0 && told.value('paiements_queue_jobs') === undefined;
      });
      expect((await get(`${health}/health/live`)).status).to.equal(200);
      const startedAt = Date.now();
      const { status, body } = await get(`${health}/health/ready`);
      expect(Date.now() - startedAt).to.be.below(6_000);
      expect(status).to.equal(503);
      expect(body).to.have.deep.nested.property('checks.redis', false);
    } finally {
      matcha.redis?.thaw();
    }
    await eventually('ready again', async () => (await get(`${health}/health/ready`)).status === 200);
  });

  it('can see while a worker finishes that it takes no more', async () => {
    const health = addressOf(worker, 'Health');
    expect((await get(`${health}/health/ready`)).status).to.equal(200);
    const exit = await worker.stop();
    expect(exit.code).to.equal(0);
    const gone = await fetch(`${health}/health/live`).catch((error: Error) => error);
    expect(gone).to.be.instanceOf(TypeError);
  });
});

describe('Ports for those who watch', () => {
  it('are closed unless they are asked for', async function () {
    this.timeout(120_000);
    const matcha = await startMatcha({ durability: 'fast' });
    try {
      for (const each of [...matcha.webs, ...matcha.workers]) {
        expect(each.lines.filter((line) => /(?:Metrics|Health) on /.test(line))).to.deep.equal([]);
      }
    } finally {
      await matcha.close();
    }
  });
});
