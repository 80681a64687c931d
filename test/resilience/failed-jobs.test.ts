import { expect } from 'chai';
import type Stripe from 'stripe';
import { openQueue } from '../../src/shared/queues/index.ts';
import { Installation } from './support/installation.ts';

const WITHIN_MS = 20_000;

describe('What a worker says of a job that has failed for the last time', function () {
  this.timeout(120_000);
  let installation: Installation;

  before(async () => {
    installation = await Installation.start();
  });
  after(() => installation?.close());

  async function enqueue(event: Pick<Stripe.Event, 'id' | 'type'>, attempts?: number): Promise<void> {
    const queue = openQueue(
      'stripe-events',
      installation.redisClient(),
      installation.matcha.env.QUEUE_PREFIX ?? '{paiements}',
    );
    const data = { eventId: event.id, payload: JSON.stringify(event), correlationId: event.id };
    await queue.add(event.type, data, { jobId: event.id, ...(attempts ? { attempts } : {}) });
    await queue.close();
  }

  it('is that the sweep drives it again, when its attempts ran out; and so it does', async () => {
    const [event, ...others] = await installation.eventsOf(await installation.purchase());
    if (event === undefined) throw new Error('A purchase has events');
    await installation.query('alter table webhook_events rename to webhook_events_away');
    const said = installation.worker.waitForLine(
      new RegExp(`Failed job ${event.id} .*; the sweep drives it again`),
      WITHIN_MS,
    );
    await enqueue(event, 1);
    await said;
    await installation.query('alter table webhook_events_away rename to webhook_events');
    await installation.tellAll(others);
    await installation.applied([event]);
  });

  it('is that it stays, when the job itself is at fault', async () => {
    const said = installation.worker.waitForLine(
      /Failed job evt_misshapen .*; it stays failed until somebody retries it/,
      WITHIN_MS,
    );
    const event = { id: 'evt_misshapen', type: 'invoice.paid', object: 'event', data: {} };
    await enqueue(event as never);
    await said;
  });

  it('is that its schedule runs it again, when it is one of the repeating ones', async () => {
    const said = installation.worker.waitForLine(
      /Failed job repeat:sweep.*; its schedule runs it again/,
      WITHIN_MS,
    );
    await installation.query('alter table checkout_sessions rename to checkout_sessions_away');
    await said;
    await installation.query('alter table checkout_sessions_away rename to checkout_sessions');
    expect(installation.worker.running).to.equal(true);
  });
});
