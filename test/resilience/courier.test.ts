import { expect } from 'chai';
import { openQueue, type QueueOf } from '../../src/shared/queues/index.ts';
import { Installation } from './support/installation.ts';

const BOTH = ['payment_succeeded', 'premium_activated'];

describe('What a commit has to tell', function () {
  this.timeout(90_000);
  this.slow(30_000);
  let installation: Installation;
  let queue: QueueOf<'notifications'>;

  before(async () => {
    // The sweep is no help here: it leaves messages alone for a while.
    installation = await Installation.start({ WORKER_CONCURRENCY: '6' });
    const { QUEUE_PREFIX = '{paiements}' } = installation.matcha.env;
    queue = openQueue('notifications', installation.redisClient(), QUEUE_PREFIX);
  });
  beforeEach(() => queue.obliterate({ force: true }));
  afterEach(() => installation.mend());
  after(async () => {
    await queue?.close();
    await installation?.close();
  });

  const jobs = async (): Promise<number> =>
    Object.values(await queue.getJobCounts()).reduce((sum, count) => sum + count, 0);

  const undelivered = (): Promise<number> => installation.count('outbox_messages where delivered_at is null');

  /** A purchase is applied while the gateway says nothing. @returns its user's browser */
  async function tellOfPurchaseInSilence() {
    const purchase = await installation.purchase();
    const listener = await installation.listen(purchase.userId);
    const events = await installation.eventsOf(purchase);
    installation.gatewayLink.silent();
    await installation.tellAll(events);
    await installation.applied(events);
    return listener;
  }

  it('reaches the browser without a job of its own', async () => {
    const purchase = await installation.purchase();
    const listener = await installation.listen(purchase.userId);
    await installation.tellAll(await installation.eventsOf(purchase));
    await installation.announced();
    expect(await listener.hears(2)).to.deep.equal(BOTH);
    expect(await jobs()).to.equal(0);
  });

  it('is queued at once where more is under way than one worker may have', async () => {
    const purchases = await Promise.all(Array.from({ length: 8 }, () => installation.purchase()));
    const listeners = await Promise.all(purchases.map(({ userId }) => installation.listen(userId)));
    const events = await installation.eventsOf(...purchases);
    installation.gatewayLink.silent();
    await installation.tellAll(events);
    await installation.applied(events);
    // Sixteen messages: six are under way, and nobody has given up on those yet.
    await installation.until('the other ten are queued', async () => (await jobs()) === 10, 4_000);

    installation.gatewayLink.up();
    await installation.announced();
    for (const listener of listeners) expect(await listener.hears(2)).to.deep.equal(BOTH);
  });

  it('is delivered or in the queue when its worker has stopped', async () => {
    const listener = await tellOfPurchaseInSilence();
    expect(await installation.worker.stop()).to.deep.equal({ code: 0, signal: null });
    expect(await undelivered()).to.equal(2);
    expect(await jobs()).to.equal(2);

    installation.gatewayLink.up();
    await installation.startWorker();
    await installation.announced();
    expect(await listener.hears(2)).to.deep.equal(BOTH);
  });

  it('is told by the sweep when its worker was killed with it in hand', async () => {
    const listener = await tellOfPurchaseInSilence();
    await installation.worker.kill();
    expect(await undelivered()).to.equal(2);
    installation.gatewayLink.up();
    await installation.ageRows();
    await installation.startWorker();
    await installation.announced();
    expect(await listener.hears(2)).to.deep.equal(BOTH);
  });

  it('waits while the queue is paused', async () => {
    const purchase = await installation.purchase();
    const listener = await installation.listen(purchase.userId);
    const events = await installation.eventsOf(purchase);
    // A worker asks no more than once a second, and always when it starts.
    await installation.worker.stop();
    await queue.pause();
    await installation.startWorker();
    await installation.tellAll(events);
    await installation.applied(events);
    await installation.until('both messages are queued', async () => (await jobs()) === 2);
    expect(await listener.hears(0)).to.deep.equal([]);

    await queue.resume();
    await installation.announced();
    expect(await listener.hears(2)).to.deep.equal(BOTH);
  });
});
