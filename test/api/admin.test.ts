import { expect } from 'chai';
import { ADMIN_KEY, useApi } from './support/api.ts';

const ROUTES = [
  ['GET', '/api/admin/webhook/events'],
  ['POST', '/api/admin/webhook/retry'],
  ['POST', '/api/admin/payment/sync'],
  ['POST', '/api/admin/payment/sync/1'],
] as const;
const admin = { 'x-internal-key': ADMIN_KEY };

describe('An operator', () => {
  const api = useApi();
  before(() => api().addUser(1));

  async function addEvent(id: string, fields: Record<string, unknown> = {}): Promise<void> {
    const row = { stripe_event_id: id, event_type: 'invoice.paid', data: JSON.stringify({ id }), ...fields };
    const names = Object.keys(row);
    await api().query(
      `insert into webhook_events (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(row),
    );
  }

  function jobs() {
    return api().inQueue('stripe-events', (queue) => queue.getJobs(['wait'], 0, -1, true));
  }

  afterEach(async () => {
    await api().query('delete from webhook_events');
    await api().inQueue('stripe-events', (queue) => queue.obliterate({ force: true }));
  });

  for (const [what, headers] of [
    ['no key', {}],
    ['a wrong key', { 'x-internal-key': `${ADMIN_KEY}x` }],
    ['an empty key', { 'x-internal-key': '' }],
  ] as const) {
    it(`with ${what} is refused`, async () => {
      await addEvent('evt_1', { error_message: 'no' });
      for (const [method, path] of ROUTES) {
        const answer = await api().ask(path, { method, headers });
        expect(answer.status, path).to.equal(401);
        expect(answer.body).to.include({ success: false, code: 'unauthorized' });
      }
      expect(await jobs()).to.deep.equal([]);
    });
  }

  it('sees events, newest first, without their payloads', async () => {
    await addEvent('evt_1', {
      processed: true,
      processed_at: '2026-07-01 12:00:00',
      outcome: 'applied',
      created_at: '2026-07-01 11:59:59',
    });
    await addEvent('evt_2', {
      error_message: 'Unknown shape',
      retry_count: 3,
      created_at: '2026-07-02 11:59:59',
    });
    const answer = await api().ask('/api/admin/webhook/events', { headers: admin });
    expect(answer.status).to.equal(200);
    const { events, ...rest } = answer.body.data;
    expect(rest).to.deep.equal({ limit: 50, offset: 0, total: 2 });
    expect(events[0]).to.deep.equal({
      id: events[0].id,
      stripe_event_id: 'evt_2',
      event_type: 'invoice.paid',
      processed: false,
      processed_at: null,
      retry_count: 3,
      error_message: 'Unknown shape',
      created_at: '2026-07-02T11:59:59.000Z',
      outcome: null,
      waiting_for: null,
    });
    expect(events[1]).to.include({ processed_at: '2026-07-01T12:00:00.000Z', outcome: 'applied' });
    const paged = await api().ask('/api/admin/webhook/events/?limit=1&offset=1', { headers: admin });
    expect(
      paged.body.data.events.map((event: { stripe_event_id: string }) => event.stripe_event_id),
    ).to.deep.equal(['evt_1']);
  });

  it('filters events by state and type', async () => {
    await addEvent('evt_done', { processed: true });
    await addEvent('evt_failed', { error_message: 'no' });
    await addEvent('evt_parked', { waiting_for: 'cus_1', error_message: 'whose?' });
    await addEvent('evt_pending', { event_type: 'charge.refunded' });
    const found = async (query: string): Promise<string[]> => {
      const { body } = await api().ask(`/api/admin/webhook/events?${query}`, { headers: admin });
      return body.data.events.map((event: { stripe_event_id: string }) => event.stripe_event_id);
    };
    expect(await found('state=failed')).to.deep.equal(['evt_failed']);
    expect(await found('state=parked')).to.deep.equal(['evt_parked']);
    expect(await found('state=pending')).to.deep.equal(['evt_pending']);
    expect(await found('state=processed')).to.deep.equal(['evt_done']);
    expect(await found('type=charge.refunded')).to.deep.equal(['evt_pending']);
    expect(await found('state=failed&type=charge.refunded')).to.deep.equal([]);
    for (const query of ['state=lost', 'limit=0', 'limit=101', 'offset=x']) {
      expect(
        (await api().ask(`/api/admin/webhook/events?${query}`, { headers: admin })).status,
        query,
      ).to.equal(400);
    }
  });

  it('retries what failed or was parked, under fresh job ids', async () => {
    await addEvent('evt_done', { processed: true });
    await addEvent('evt_pending');
    await addEvent('evt_purged', { error_message: 'no', data: null });
    await addEvent('evt_failed', { error_message: 'no' });
    await addEvent('evt_parked', { waiting_for: 'cus_1', error_message: 'whose?' });
    // The failed job of the first time is still there and would swallow one with its id.
    await api().inQueue('stripe-events', (queue) =>
      queue.add(
        'invoice.paid',
        { eventId: 'evt_failed', payload: '{}', correlationId: '' },
        { jobId: 'evt_failed', delay: 60_000 },
      ),
    );
    const answer = await api().ask('/api/admin/webhook/retry', {
      method: 'POST',
      headers: { ...admin, 'x-request-id': 'retry-1' },
    });
    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({ success: true, data: { retried: 2 } });
    const queued = await jobs();
    expect(queued.map((job) => job.data)).to.deep.equal([
      { eventId: 'evt_failed', payload: '{"id":"evt_failed"}', correlationId: 'retry-1' },
      { eventId: 'evt_parked', payload: '{"id":"evt_parked"}', correlationId: 'retry-1' },
    ]);
    expect(queued[0]?.name).to.equal('invoice.paid');
    for (const job of queued) expect(job.id).to.match(/^evt_(failed|parked)-r[0-9a-z]+$/);
  });

  it('retries the named events only', async () => {
    await addEvent('evt_a', { error_message: 'no' });
    await addEvent('evt_b', { error_message: 'no' });
    await addEvent('evt_done', { processed: true });
    const answer = await api().ask('/api/admin/webhook/retry', {
      method: 'POST',
      headers: admin,
      body: { event_ids: ['evt_b', 'evt_done', 'evt_unknown'] },
    });
    expect(answer.body.data).to.deep.equal({ retried: 1 });
    expect((await jobs()).map((job) => job.data.eventId)).to.deep.equal(['evt_b']);
    const bad = await api().ask('/api/admin/webhook/retry', {
      method: 'POST',
      headers: admin,
      body: { event_ids: 'all' },
    });
    expect(bad.status).to.equal(400);
  });

  it('retries at most a thousand events a call', async () => {
    await api().query(
      `insert into webhook_events (stripe_event_id, event_type, data, error_message)
       select 'evt_' || n, 'invoice.paid', '{}', 'no' from generate_series(1, 1005) n`,
    );
    const answer = await api().ask('/api/admin/webhook/retry', { method: 'POST', headers: admin });
    expect(answer.body.data).to.deep.equal({ retried: 1_000 });
    expect(await jobs()).to.have.length(1_000);
  });

  it('starts a sync of everybody, or of one user', async () => {
    for (const [path, userId] of [
      ['/api/admin/payment/sync', null],
      ['/api/admin/payment/sync/1', 1],
      ['/api/admin/payment/sync/1/', 1],
    ] as const) {
      const answer = await api().ask(path, { method: 'POST', headers: admin });
      expect(answer.status).to.equal(200);
      const job = await api().inQueue('maintenance', (queue) => queue.getJob(answer.body.data.job_id));
      expect(job?.name).to.equal('sync-payments');
      expect(job?.data).to.deep.equal({ task: 'sync-payments', userId });
    }
  });

  it('is told about a user that cannot be', async () => {
    for (const id of ['0', '-1', 'abc', '1.5', '99999999999']) {
      const answer = await api().ask(`/api/admin/payment/sync/${id}`, { method: 'POST', headers: admin });
      expect(answer.status, id).to.equal(400);
    }
    const unknown = await api().ask('/api/admin/payment/sync/999', { method: 'POST', headers: admin });
    expect(unknown.status).to.equal(404);
    expect(unknown.body.code).to.equal('user_not_found');
  });
});

describe('Without INTERNAL_API_KEY', () => {
  const api = useApi(() => ({ env: { INTERNAL_API_KEY: undefined } }));

  it('admin routes are off, whatever key is sent', async () => {
    for (const [method, path] of ROUTES) {
      for (const headers of [{}, { 'x-internal-key': '' }, admin]) {
        const answer = await api().ask(path, { method, headers });
        expect(answer.status).to.equal(503);
        expect(answer.body).to.include({ success: false, code: 'admin_disabled' });
      }
    }
  });
});

describe('Whoever guesses the internal key', () => {
  const api = useApi();
  const PATH = '/api/admin/attention';
  const guess = (n: number) => api().ask(PATH, { headers: { 'x-internal-key': `guess-${n}` } });

  it('is soon not compared any more, not even with the right one', async () => {
    const statuses = new Map<number, number>();
    for (const { status } of await Promise.all(Array.from({ length: 200 }, (_, n) => guess(n)))) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(Object.fromEntries(statuses)).to.deep.equal({ 401: 30, 429: 170 });
    const refused = await api().ask(PATH, { headers: admin });
    expect([refused.status, refused.body.code]).to.deep.equal([429, 'too_many_requests']);
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
    // Who sends none guesses nothing.
    expect((await api().ask(PATH)).status).to.equal(401);
  });

  describe('beside an operator who is at work', () => {
    const busy = useApi();

    it('locks nobody out', async () => {
      const ask = (headers: Record<string, string>) => busy().ask(PATH, { headers });
      expect((await ask(admin)).status).to.equal(200);
      for (let n = 0; n < 40; n += 1) await ask({ 'x-internal-key': `guess-${n}` });
      expect((await ask({ 'x-internal-key': 'guess' })).status).to.equal(429);
      expect((await ask(admin)).status).to.equal(200);
    });
  });
});

describe('Keys that are shorter than they should be', () => {
  const api = useApi(() => ({
    env: { JWT_SECRET: '0123456789abcdef', INTERNAL_API_KEY: `${'k'.repeat(40)},short-key` },
  }));

  it('are at attention', async () => {
    const { body } = await api().ask('/api/admin/attention', { headers: { 'x-internal-key': 'short-key' } });
    expect(body.data.short_keys).to.have.members(['JWT_SECRET', 'INTERNAL_API_KEY']);
  });
});
