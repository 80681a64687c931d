import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { TakenMessage } from '../../rig/matcha-gateway.ts';
import { MATCHA_LIMIT } from '../../rig/matcha-limiter.ts';
import { openQueue, type QueueOf } from '../../src/shared/queues/index.ts';
import { Installation, type Purchase } from './support/installation.ts';

const MESSAGES = 1_080;
const PER_USER = 4;
/** Eleven rests, and what two busy processors add to them. A sender alone that knows the limiter needs twelve. */
const SECONDS_FOR_ALL = 90;
const SECONDS_FOR_A_BUYER = 15;
/** What two workers have under way when the first of them is refused, and a few for finding out. */
const MOST_REFUSALS = 150;

describe('Behind the limiter of Matcha’s gateway, with two workers', function () {
  this.timeout(180_000);
  this.slow(120_000);
  let installation: Installation;
  let queue: QueueOf<'notifications'>;
  let redis: Redis;
  let prefix: string;

  before(async () => {
    installation = await Installation.start();
    await installation.startSecondWorker();
    redis = installation.redisClient();
    prefix = installation.matcha.env.QUEUE_PREFIX ?? '{paiements}';
    queue = openQueue('notifications', redis, prefix);
  });
  beforeEach(async () => {
    // Limiter and workers have forgotten what was before.
    await redis.del(`${prefix}:gateway-ration`);
    await sleep(1_200);
    installation.limiter.taken.length = 0;
    installation.limiter.refusals = 0;
  });
  after(async () => {
    await queue?.close();
    await installation?.close();
  });

  /** Somebody buys while all others wait. @returns after how many seconds they have heard all of it */
  async function buyerHears(purchase: Purchase): Promise<number> {
    const listener = await installation.listen(purchase.userId);
    const events = await installation.eventsOf(purchase);
    const start = performance.now();
    await installation.tellAll(events);
    await listener.hears(2);
    expect(listener.count).to.equal(2);
    return (performance.now() - start) / 1_000;
  }

  /** Waits until so many messages have been taken in all. @returns seconds since `start` */
  async function allTaken(count: number, start: number): Promise<number> {
    await installation.until(
      `${count} messages are taken`,
      async () => installation.limiter.taken.length >= count,
      120_000,
    );
    return (performance.now() - start) / 1_000;
  }

  function expectOnceAndInOrder(taken: readonly TakenMessage[]): void {
    const ids = taken.map(({ data }) => Number(data.id));
    expect(new Set(ids).size, 'each once').to.equal(ids.length);
    const last = new Map<string, number>();
    for (const [index, { user_id: user }] of taken.entries()) {
      const id = ids[index] ?? 0;
      expect(id, `message of user ${user}`).to.be.above(last.get(user) ?? 0);
      last.set(user, id);
    }
  }

  async function expectNoAttemptsUsed(): Promise<void> {
    expect(await queue.getFailedCount(), 'failed jobs').to.equal(0);
    const jobs = await queue.getJobs(['completed', 'delayed', 'waiting', 'active']);
    expect(
      jobs.filter((job) => job.attemptsMade > 1).map((job) => `${job.id}: ${job.stacktrace}`),
    ).to.deep.equal([]);
  }

  function report(what: string, seconds: number, buyerSeconds: number): void {
    const { taken, refusals } = installation.limiter;
    console.log(
      `      ${what}: ${taken.length} messages in ${seconds.toFixed(1)} s, ${refusals} refusals; ` +
        `a new buyer in the middle heard after ${buyerSeconds.toFixed(1)} s`,
    );
  }

  it(`${MESSAGES} messages that were left over all arrive, and a new buyer hears in between`, async () => {
    const purchase = await installation.purchase();
    await installation.query(
      `with people as (
         insert into users (username, email, email_verified)
         select 'old-' || n, 'old-' || n || '@example.com', true from generate_series(1, $1) n returning id)
       insert into outbox_messages (fact, user_id, type, data, created_at)
       select 'payment_succeeded:in_' || people.id || '_' || n, people.id, 'payment_succeeded',
         json_build_object('message', 'Paiement effectué avec succès!', 'n', n), now() at time zone 'UTC' - interval '1 minute'
       from generate_series(1, $2) n, people`,
      [MESSAGES / PER_USER, PER_USER],
    );
    const start = performance.now();
    await allTaken(MESSAGES / 3, start);
    const buyerSeconds = await buyerHears(purchase);
    const seconds = await allTaken(MESSAGES + 2, start);
    report('left over', seconds, buyerSeconds);
    await installation.announced();
    expect(installation.limiter.taken).to.have.lengthOf(MESSAGES + 2);
    expectOnceAndInOrder(installation.limiter.taken);
    await expectNoAttemptsUsed();
    expect(buyerSeconds).to.be.below(SECONDS_FOR_A_BUYER);
    expect(seconds).to.be.below(SECONDS_FOR_ALL);
    expect(installation.limiter.refusals).to.be.below(MOST_REFUSALS);
  });

  it('what many buy at once is told all the same, each in order', async () => {
    const buyers = (3 * MATCHA_LIMIT) / 2;
    const purchases: Purchase[] = [];
    while (purchases.length < buyers) {
      purchases.push(...(await Promise.all(Array.from({ length: 25 }, () => installation.purchase()))));
    }
    const late = await installation.purchase();
    const events = await installation.eventsOf(...purchases);
    const start = performance.now();
    const telling = installation.tellAll(events);
    await allTaken(MATCHA_LIMIT + 20, start);
    const buyerSeconds = await buyerHears(late);
    await telling;
    const seconds = await allTaken(2 * buyers + 2, start);
    report('bought at once', seconds, buyerSeconds);
    await installation.announced();
    expect(installation.limiter.taken).to.have.lengthOf(2 * buyers + 2);
    expectOnceAndInOrder(installation.limiter.taken);
    await expectNoAttemptsUsed();
    expect(buyerSeconds).to.be.below(SECONDS_FOR_A_BUYER);
    expect(installation.limiter.refusals).to.be.below(MOST_REFUSALS);
  });
});
