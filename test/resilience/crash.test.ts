import { expect } from 'chai';
import type { Matcha } from '../../rig/matcha.ts';
import { openQueue } from '../../src/shared/queues/index.ts';
import { Installation } from './support/installation.ts';

const TIMEOUT_MS = 90_000;
const BOTH = ['payment_succeeded', 'premium_activated'];

/** One installation for all of them: starting it takes longer than most of what is done to it. */
describe('Exactly once', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(30_000);
  let installation: Installation;

  before(async () => {
    installation = await Installation.start();
  });
  afterEach(() => installation.mend());
  after(() => installation?.close());

  describe('although a worker dies', () => {
    it('by SIGKILL, with an event in hand, before the commit', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const events = await installation.eventsOf(purchase);

      await installation.whileReadingWaits(
        purchase,
        () => installation.tellAll(events),
        async () => {
          await installation.worker.kill();
        },
      );
      expect(await installation.rowsOf(purchase)).to.deep.include({
        premium: false,
        payments: [],
        facts: [],
      });

      await installation.startWorker();
      await installation.applied(events);
      await installation.announced();
      expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('by SIGKILL, when PostgreSQL has its commit and it does not know', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const events = await installation.eventsOf(purchase);
      const paid = events.filter(({ type }) => type === 'invoice.paid');

      await installation.whileCommitWaits(
        purchase,
        () => installation.tellAll(paid),
        async () => {
          await installation.worker.kill();
        },
      );
      await installation.until(
        'PostgreSQL has committed',
        async () => (await installation.count('outbox_messages where user_id = $1', [purchase.userId])) > 0,
      );
      expect(await listener.hears(0)).to.deep.equal([]);

      await installation.startWorker();
      await installation.tellAll(events);
      await installation.applied(events);
      await installation.ageRows();
      await installation.announced();
      expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('by SIGKILL, between the commit and the notification', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const events = await installation.eventsOf(purchase);
      const paid = events.filter(({ type }) => type === 'invoice.paid');

      await installation.whileCommitWaits(
        purchase,
        () => installation.tellAll(paid),
        async () => {
          // From here on the worker can commit, and not queue anything. A Redis that is only frozen would find the
          // messages in its socket when it thaws.
          await installation.redis.kill();
        },
      );
      await installation.until(
        'the message is committed',
        async () => (await installation.count('outbox_messages where user_id = $1', [purchase.userId])) > 0,
      );
      await installation.worker.kill();
      await installation.redis.start();
      expect(await listener.hears(0)).to.deep.equal([]);

      await installation.startWorker();
      await installation.tellAll(events);
      await installation.applied(events);
      await installation.ageRows();
      await installation.announced();
      expect(await installation.rowsOf(purchase)).to.deep.equal(Installation.complete(purchase));
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('by SIGTERM, with events in hand: it finishes them, exits 0, and loses none of the others', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const others = await Promise.all(Array.from({ length: 20 }, () => installation.purchase()));
      const events = await installation.eventsOf(purchase, ...others);

      let stopping: Promise<{ code: number | null }> | undefined;
      await installation.whileCommitWaits(
        purchase,
        () => installation.tellAll(events),
        async () => {
          stopping = installation.worker.stop();
          await installation.worker.waitForLine(/Stopping on SIGTERM/, 10_000);
        },
      );
      expect((await stopping)?.code).to.equal(0);
      expect(await installation.rowsOf(purchase)).to.deep.include({ premium: true });

      await installation.startWorker();
      await installation.applied(events);
      await installation.announced();
      for (const each of [purchase, ...others]) {
        expect(await installation.rowsOf(each)).to.deep.equal(Installation.complete(each));
      }
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });
  });

  describe('although an event', () => {
    let second: Matcha['workers'][number] | undefined;
    before(async () => {
      second = await installation.startSecondWorker();
    });
    after(() => second?.stop());

    it('comes 50 times at once', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const events = await installation.eventsOf(purchase);
      const paid = events.filter(({ type }) => type === 'invoice.paid');

      const answers = await installation.tellAll(Array.from({ length: 50 }, () => paid).flat());
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
      await installation.applied(paid);
      await installation.announced();
      expect(await installation.count('payments where user_id = $1', [purchase.userId])).to.equal(1);
      expect(await installation.count('webhook_events where stripe_event_id = $1', [paid[0]?.id])).to.equal(
        1,
      );
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('is 50 jobs at once, which Redis cannot tell to be one, for two workers', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const [paid] = (await installation.eventsOf(purchase)).filter(({ type }) => type === 'invoice.paid');
      const connection = installation.redisClient();
      const queue = openQueue(
        'stripe-events',
        connection,
        installation.matcha.env.QUEUE_PREFIX ?? '{paiements}',
      );
      const data = { eventId: paid?.id ?? '', payload: JSON.stringify(paid), correlationId: 'fifty' };
      const jobs = await queue.addBulk(
        Array.from({ length: 50 }, (_, index) => ({
          name: 'invoice.paid',
          data,
          opts: { jobId: `${paid?.id}-${index}` },
        })),
      );

      await installation.until('all 50 have run', async () => {
        const states = await Promise.all(jobs.map((job) => job.getState()));
        return states.every((state) => state === 'completed');
      });
      await installation.announced();
      await queue.close();
      expect(await installation.count('payments where user_id = $1', [purchase.userId])).to.equal(1);
      expect(await installation.count('webhook_events where stripe_event_id = $1', [paid?.id])).to.equal(1);
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });
  });

  describe('although the way to the gateway', () => {
    it('is down for a while', async () => {
      const purchases = await Promise.all(Array.from({ length: 5 }, () => installation.purchase()));
      const listeners = await Promise.all(purchases.map(({ userId }) => installation.listen(userId)));
      const events = await installation.eventsOf(...purchases);
      installation.gatewayLink.down();
      await installation.tellAll(events);
      await installation.applied(events);
      const refused = /"queue":"notifications".*attempt 3 of/;
      await installation.worker.waitForLine(refused, 20_000);
      for (const listener of listeners) expect(await listener.hears(0)).to.deep.equal([]);

      installation.gatewayLink.up();
      await installation.announced();
      for (const listener of listeners) expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('breaks after the gateway took a message and before it answered', async () => {
      const purchase = await installation.purchase();
      const listener = await installation.listen(purchase.userId);
      const events = await installation.eventsOf(purchase);
      installation.gatewayLink.downAfterAnswering(0);
      await installation.tellAll(events);
      await installation.applied(events);
      await installation.until('the gateway has announced something', async () => listener.count > 0);
      await installation.until('the worker has not heard that', async () => {
        return (await installation.count('outbox_messages where delivered_at is null')) > 0;
      });

      installation.gatewayLink.up();
      await installation.announced();
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });

    it('ends in a gateway that is killed and started again, for browsers that come back', async () => {
      const purchase = await installation.purchase();
      const events = await installation.eventsOf(purchase);
      const [gateway] = installation.matcha.gateways;
      await gateway?.kill();
      await installation.tellAll(events);
      await installation.applied(events);
      installation.gatewayLink.down();
      await gateway?.start();
      const listener = await installation.listen(purchase.userId);
      installation.gatewayLink.up();
      await installation.announced();
      expect(await listener.hears(2)).to.deep.equal(BOTH);
    });
  });
});
