import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { connectRedis } from '../../src/shared/redis.ts';
import { GatewayRefused } from '../../src/workers/notifications/gateway-client.ts';
import { Ration, SHORTEST_REST_MS } from '../../src/workers/notifications/ration.ts';

const logger = pino({ level: 'silent' });

describe('What the gateway lets through, shared by two processes', function () {
  this.timeout(20_000);
  let redis: ReturnType<typeof connectRedis>;
  let one: Ration;
  let other: Ration;

  before(() => {
    redis = connectRedis(String(process.env.TEST_REDIS_URL), 'patient', logger);
  });
  beforeEach(() => {
    const prefix = `{ration-${randomUUID()}}`;
    one = new Ration({ redis, prefix, logger });
    other = new Ration({ redis, prefix, logger });
  });
  after(() => redis?.disconnect());

  const limited = (retryAfterMs?: number) => new GatewayRefused(429, retryAfterMs);

  /** Takes turns until none are given, and ends them. @returns how many there were, and how long to wait then */
  async function useUp(ration: Ration): Promise<{ used: number; waitMs: number }> {
    for (let used = 0; ; ) {
      const turns = await ration.take(50);
      if (turns === 'free') throw new Error('Nobody limits');
      if (turns.given === 0) return { used, waitMs: turns.waitMs };
      for (let i = 0; i < turns.given; i++) ration.turnEnded(true);
      used += turns.given;
      // What ended is noted with the turn of the event loop.
      await sleep(5);
    }
  }

  it('asks nobody anything while nothing is refused', async () => {
    one.takenUnasked();
    await one.look();
    expect(one.isLimited).to.equal(false);
    expect(await one.take(1)).to.equal('free');
  });

  it('is a rest for both after a refusal, which the other learns of within a second', async () => {
    await other.look();
    await one.refused(limited(), false);
    expect(one.isLimited).to.equal(true);
    expect(other.isLimited).to.equal(false);
    await sleep(1_000);
    await other.look();
    expect(other.isLimited).to.equal(true);
  });

  it('rests as long as Retry-After says, and a minute at most', async () => {
    await one.refused(limited(30_000), false);
    expect(await other.take(1))
      .to.have.property('waitMs')
      .that.is.within(29_000, 30_000);
    await one.refused(limited(3_600_000), false);
    expect(await other.take(1))
      .to.have.property('waitMs')
      .that.is.within(59_000, 60_000);
  });

  it('begins the rest anew when a straggler is answered in it', async () => {
    await one.refused(limited(), false);
    await sleep(600);
    other.takenUnasked();
    // It was on its way before it could know.
    await other.look();
    other.takenUnasked();
    await sleep(20);
    expect(await one.take(1))
      .to.have.property('waitMs')
      .that.is.within(900, SHORTEST_REST_MS);
  });

  it('is then less for both together than was let through before, with a rest after it', async () => {
    for (let i = 0; i < 60; i++) one.takenUnasked();
    for (let i = 0; i < 40; i++) other.takenUnasked();
    await Promise.all([one.refused(limited(), false), other.refused(limited(), false)]);
    for (let portions = 0; portions < 2; portions++) {
      await sleep(SHORTEST_REST_MS + 50);
      const [mine, theirs] = await Promise.all([useUp(one), useUp(other)]);
      expect(mine.used + theirs.used).to.equal(90);
      expect(mine.used, 'not all for one').to.be.below(90);
      expect(theirs.used, 'not all for the other').to.be.below(90);
      expect(await one.take(1))
        .to.have.property('waitMs')
        .that.is.within(800, SHORTEST_REST_MS);
    }
  });

  it('is halved, and grows again, where the gateway is full and has no rule', async () => {
    const portions: number[] = [];
    await one.refused(new GatewayRefused(503), false);
    while (portions.length < 3) {
      await sleep(SHORTEST_REST_MS + 50);
      portions.push((await useUp(one)).used);
    }
    expect(portions).to.deep.equal([32, 64, 128]);
    await sleep(SHORTEST_REST_MS + 50);
    expect(await one.take(1), 'it is well again').to.equal('free');
  });

  it('does not wait for ever for who died with turns', async () => {
    await one.refused(new GatewayRefused(503), false);
    await sleep(SHORTEST_REST_MS + 50);
    let given = 0;
    for (
      let turns = await other.take(50);
      turns !== 'free' && turns.given > 0;
      turns = await other.take(50)
    ) {
      given += turns.given;
    }
    expect(given).to.equal(32);
    const asked = performance.now();
    for (;;) {
      const turns = await one.take(1);
      if (turns === 'free' || turns.given > 0) break;
      await sleep(Math.max(turns.waitMs, 50));
    }
    expect(performance.now() - asked).to.be.within(6_900, 10_000);
  });
});
