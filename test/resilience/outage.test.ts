import { expect } from 'chai';
import type Stripe from 'stripe';
import { runToEnd } from '../../rig/process.ts';
import { Installation, type Purchase, type Told } from './support/installation.ts';

const TIMEOUT_MS = 120_000;
const BOTH = ['payment_succeeded', 'premium_activated'];

describe('An outage', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(40_000);
  let installation: Installation;

  before(async () => {
    installation = await Installation.start();
  });
  afterEach(() => installation.mend());
  after(() => installation?.close());

  async function purchases(count: number): Promise<Purchase[]> {
    const made: Purchase[] = [];
    for (let i = 0; i < count; i++) made.push(await installation.purchase());
    return made;
  }

  /** Posts events one after the other, and does something on the way. */
  async function traffic(
    events: readonly Stripe.Event[],
    steps: Record<number, () => unknown>,
  ): Promise<Told[]> {
    const answers: Told[] = [];
    for (const [index, event] of events.entries()) {
      await steps[index]?.();
      answers.push(await installation.tell(event));
    }
    return answers;
  }

  async function expectComplete(all: readonly Purchase[]): Promise<void> {
    for (const purchase of all) {
      expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
    }
  }

  it('of PostgreSQL under traffic: every event is accepted, and applied once it is back', async () => {
    const all = await purchases(12);
    const listener = await installation.listen(all[6]?.userId ?? 0);
    const events = await installation.eventsOf(...all);
    const { postgres } = installation.matcha;

    const answers = await traffic(events, {
      20: () => postgres.stop(),
      [events.length - 20]: () => installation.worker.waitForLine(/PostgreSQL is away/, 20_000),
      [events.length - 10]: () => postgres.start(),
    });
    expect(answers.filter(({ status }) => status !== 200)).to.deep.equal([]);
    await installation.applied(events);
    await installation.announced();
    await expectComplete(all);
    expect(await listener.hears(2)).to.deep.equal(BOTH);
  });

  it('of PostgreSQL by a crash, with transactions open, is no different', async () => {
    const all = await purchases(6);
    const events = await installation.eventsOf(...all);
    const { postgres } = installation.matcha;

    await traffic(events, { [Math.floor(events.length / 2)]: () => postgres.kill() });
    await postgres.start();
    await installation.applied(events);
    await installation.announced();
    await expectComplete(all);
  });

  it('of Redis under traffic: webhooks are answered 200 all the same, and applied once it is back', async () => {
    const all = await purchases(8);
    const listener = await installation.listen(all[4]?.userId ?? 0);
    const events = await installation.eventsOf(...all);

    const answers = await traffic(events, { 10: () => installation.redis.kill() });
    expect(answers.filter(({ status }) => status !== 200)).to.deep.equal([]);
    expect(await installation.count('webhook_events where not processed')).to.be.greaterThan(0);

    await installation.redis.start();
    await installation.ageRows();
    await installation.applied(events);
    await installation.ageRows();
    await installation.announced();
    await expectComplete(all);
    expect(await listener.hears(2)).to.deep.equal(BOTH);
  });

  it('of Redis does not keep a worker from stopping cleanly', async () => {
    const waiting = installation.worker.waitForLine(/Redis connection failed/, 20_000);
    await installation.redis.kill();
    await waiting;
    const startedAt = performance.now();
    expect(await installation.worker.stop()).to.include({ code: 0 });
    expect(performance.now() - startedAt).to.be.below(5_000);
  });

  it('of a Redis that hangs is no different from one that is gone', async () => {
    const [purchase] = await purchases(1);
    const events = await installation.eventsOf(purchase as Purchase);
    installation.redis.freeze();
    const answers = await installation.tellAll(events);
    expect(answers.filter(({ status }) => status !== 200)).to.deep.equal([]);
    installation.redis.thaw();
    await installation.ageRows();
    await installation.applied(events);
    await expectComplete([purchase as Purchase]);
  });

  it('of both is answered 503 with Retry-After, and what Stripe sends again is applied', async () => {
    const { postgres } = installation.matcha;
    // Taken as the service's only knowledge of this purchase: what Stripe itself delivers.
    const purchase = await installation.purchase();
    const events = await installation.eventsOf(purchase);
    await Promise.all([postgres.stop(), installation.redis.kill()]);

    const refused = await installation.tell(events[0] as Stripe.Event);
    expect(refused.status).to.equal(503);
    expect(Number(refused.retryAfter)).to.be.greaterThan(0);
    await installation.control('release', { events: events.map(({ id }) => id) });
    const ids = new Set(events.map(({ id }) => id));
    const deliveries = async () => {
      const response = await fetch(`${installation.matcha.urls.sandbox}/_sandbox/deliveries`);
      const { deliveries } = (await response.json()) as {
        deliveries: { event: string; state: string; status: number | null; attempts: number }[];
      };
      return deliveries.filter(({ event }) => ids.has(event));
    };
    await installation.until('Stripe has been told 503 about every event', async () =>
      (await deliveries()).every(({ status, attempts }) => status === 503 && attempts > 0),
    );

    await Promise.all([postgres.start(), installation.redis.start()]);
    await installation.until('Stripe has delivered every event', async () =>
      (await deliveries()).every(({ state }) => state === 'delivered'),
    );
    await installation.applied(events);
    await installation.ageRows();
    await installation.announced();
    await expectComplete([purchase]);
  });

  describe('of the memory of Redis', () => {
    it('loses none of the events that PostgreSQL has stored', async () => {
      const purchase = await installation.purchase();
      const events = await installation.eventsOf(purchase);
      await installation.worker.stop();
      await installation.redis.kill();
      await installation.tellAll(events);
      await installation.redis.start();
      await installation.ageRows();
      // They are queued, and forgotten there.
      await installation.startWorker({ WORKER_QUEUES: 'maintenance' });
      const redis = installation.redisClient();
      await installation.until('the sweep has queued them', async () => {
        const queued = await Promise.all(events.map(({ id }) => redis.keys(`*:stripe-events:${id}-stored`)));
        return queued.every((keys) => keys.length === 1);
      });
      await installation.worker.stop();
      await redis.flushall();

      await installation.startWorker({ WORKER_QUEUES: 'stripe-events,notifications,maintenance' });
      await installation.applied(events);
      await installation.announced();
      expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
    });

    it('while 1 000 events are queued: reconciling with Stripe brings back every one, and nothing is told twice', async () => {
      const known = await installation.purchase();
      const listener = await installation.listen(known.userId);
      const before = await installation.eventsOf(known);
      await installation.tellAll(before);
      await installation.applied(before);
      await installation.announced();
      await installation.worker.stop();
      const all: Purchase[] = [];
      for (let i = 0; i < 145; i++) all.push(await installation.purchase());
      const events = await installation.eventsOf(...all);
      expect(events.length).to.be.at.least(1_000);
      for (let i = 0; i < events.length; i += 50) await installation.tellAll(events.slice(i, i + 50));
      expect(
        await installation.count('webhook_events where stripe_event_id = any($1)', [
          events.map(({ id }) => id),
        ]),
      ).to.equal(0);
      await installation.redisClient().flushall();

      const lines = await runToEnd({
        name: 'reconcile',
        script: 'src/workers/commands/reconcile.ts',
        args: ['--since', '1d'],
        env: installation.matcha.env,
      });
      expect(lines.join('\n')).to.match(
        new RegExp(`${events.length} of \\d+ events were missing; ${events.length} enqueued`),
      );
      await installation.startWorker();
      await installation.applied(events);
      await installation.announced();
      for (const purchase of [known, ...all]) {
        expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
      }
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('under a running worker is swept and reconciled again without anybody starting it anew', async () => {
      await installation.redisClient().flushall();
      const purchase = await installation.purchase();
      const events = await installation.eventsOf(purchase);
      await installation.redis.kill();
      await installation.tellAll(events);
      await installation.redis.start();
      await installation.redisClient().flushall();
      await installation.applied(events, 25_000);
      expect(await installation.rowsOf(purchase)).to.deep.include({ premium: true });
    });
  });
});
