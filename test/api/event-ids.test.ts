import { expect } from 'chai';
import fc from 'fast-check';
import { eventJobId } from '../../src/shared/queues/index.ts';
import { ADMIN_KEY, useApi } from './support/api.ts';
import { delivery, stripeEvent } from './support/webhook.ts';

const PATH = '/api/stripe/webhook';
/** What BullMQ takes for an id of its own, or for two, and what escapes look like. */
const STRANGE = ['evt_1:2', 'evt:a:b:c', '0:1', '12345', '-7', 'evt_%3a', 'evt_%C3%A9', 'evt_/../x'];

describe('A signed event with an id that is none of Stripe’s usual', () => {
  const api = useApi();

  for (const id of STRANGE) {
    it(`is kept in Redis, once: ${id}`, async () => {
      const event = stripeEvent({ id });
      for (const _ of [1, 2]) {
        expect((await api().ask(PATH, delivery(JSON.stringify(event)))).status).to.equal(200);
      }
      const jobs = await api().inQueue('stripe-events', (queue) => queue.getJobs());
      expect(jobs.filter((job) => job.data.eventId === id)).to.have.length(1);
      const rows = await api().query('select 1 from webhook_events where stripe_event_id = $1', [id]);
      expect(rows, 'the way for when Redis is away').to.deep.equal([]);
    });

    it(`can be retried by an operator: ${id}`, async () => {
      await api().query(
        `insert into webhook_events (stripe_event_id, event_type, processed, data, error_message, retry_count)
           values ($1, 'invoice.paid', false, '{}', 'failed', 1)`,
        [id],
      );
      const answer = await api().ask('/api/admin/webhook/retry', {
        method: 'POST',
        headers: { 'x-internal-key': ADMIN_KEY },
        body: { event_ids: [id] },
      });
      expect(answer.status).to.equal(200);
      expect(answer.body.data).to.deep.equal({ retried: 1 });
    });
  }

  for (const [what, overrides] of [
    ['an id with a NUL in it', { id: 'evt_\u0000' }],
    ['an id with a line break in it', { id: 'evt_1\nevt_2' }],
    ['an id with a space in it', { id: 'evt 1' }],
    ['an id that is not ASCII', { id: 'evt_é' }],
    ['an empty id', { id: '' }],
    ['an id that is too long', { id: `evt_${'a'.repeat(252)}` }],
    ['a type with a NUL in it', { type: 'invoice.paid\u0000' }],
  ] as const) {
    it(`is refused with ${what}, which no row could hold`, async () => {
      const before = await api().inQueue('stripe-events', (queue) => queue.getJobCountByTypes());
      const answer = await api().ask(PATH, delivery(JSON.stringify(stripeEvent(overrides))));
      expect(answer.status).to.equal(400);
      expect(answer.body).to.include({ success: false, code: 'not_an_event' });
      expect(await api().inQueue('stripe-events', (queue) => queue.getJobCountByTypes())).to.equal(before);
    });
  }
});

describe('The id of an event’s job', () => {
  it('is the event’s own for all that Stripe sends', () => {
    for (const id of ['evt_1LhABCdefGHI', 'evt_test_1', 'evt_00000000000000-stored']) {
      expect(eventJobId(id)).to.equal(id);
    }
  });

  it('is one that BullMQ takes, and another for every event', () => {
    const id = fc.string({ unit: fc.constantFrom('e', '_', ':', '%', '3', 'a', '0', '-'), minLength: 1 });
    fc.assert(
      fc.property(id, (eventId) => {
        const jobId = eventJobId(eventId);
        expect(jobId).not.to.contain(':');
        expect(String(Number.parseInt(jobId, 10))).not.to.equal(jobId);
        expect(decodeURIComponent(jobId)).to.equal(eventId);
      }),
    );
  });
});
