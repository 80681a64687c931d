import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { type Announcement, Bus } from '../../src/gateway/bus.ts';
import { HttpError } from '../../src/shared/errors.ts';
import { connectRedis } from '../../src/shared/redis.ts';
import { sharedRedisUrl } from './support/redis.ts';

describe('The bus between gateways', () => {
  const logger = pino({ level: 'silent' });
  const members: { bus: Bus; commands: Redis; subscriber: Redis }[] = [];
  afterEach(() => {
    for (const { bus, commands, subscriber } of members.splice(0)) {
      bus.stop();
      commands.disconnect();
      subscriber.disconnect();
    }
  });

  async function join(processId: string = randomUUID()) {
    const commands = connectRedis(sharedRedisUrl(), 'failFast', logger);
    const subscriber = connectRedis(sharedRedisUrl(), 'patient', logger);
    const heard: string[] = [];
    let wake: () => void = () => {};
    const deliver = ({ frame }: Announcement) => {
      heard.push(frame);
      wake();
    };
    const bus = new Bus({
      commands,
      subscriber,
      keyPrefix: 'gateway:',
      processId,
      deliver,
      maxPending: 10,
      logger,
    });
    members.push({ bus, commands, subscriber });
    bus.start();
    await bus.untilSubscribed(5_000);
    /** Resolves with all that was heard once `frame` is among it. */
    const hears = async (frame: string): Promise<string[]> => {
      while (!heard.includes(frame)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return heard;
    };
    return { bus, commands, subscriber, heard, hears, ownChannel: `gateway:process:${processId}` };
  }

  const announcement = (frame: string): Announcement => ({ address: { kind: 'everyone' }, frame });

  async function refusalOf(attempt: Promise<unknown>): Promise<HttpError> {
    const error = await attempt.then(
      () => new Error('it was accepted'),
      (thrown) => thrown,
    );
    if (error instanceof HttpError) return error;
    throw error;
  }

  it('catches up with what was published while its subscription was broken, in order and once', async () => {
    const [steady, shaky] = [await join(), await join()];
    const run = randomUUID();
    await steady.bus.publish(announcement(`${run} 1`));
    await shaky.hears(`${run} 1`);

    shaky.subscriber.disconnect();
    await once(shaky.subscriber, 'end');
    expect(shaky.bus.subscribed).to.equal(false);
    await steady.bus.publish(announcement(`${run} 2`));
    await steady.bus.publish(announcement(`${run} 3`));
    const back = shaky.subscriber.connect();
    await steady.bus.publish(announcement(`${run} 4`));
    await back;
    await shaky.bus.untilSubscribed(5_000);
    await steady.bus.publish(announcement(`${run} 5`));

    const heard = (await shaky.hears(`${run} 5`)).filter((frame) => frame.startsWith(run));
    expect(heard).to.deep.equal([1, 2, 3, 4, 5].map((n) => `${run} ${n}`));
  });

  it('delivers once what both the catch-up and the new subscription bring', async () => {
    const [steady, shaky] = [await join(), await join()];
    const run = randomUUID();
    await steady.bus.publish(announcement(`${run} 1`));
    await shaky.hears(`${run} 1`);
    shaky.subscriber.disconnect();
    await once(shaky.subscriber, 'end');

    // Published after the subscription, before the catch-up reads: it comes both ways.
    const { xrange } = shaky.commands;
    Reflect.set(shaky.commands, 'xrange', async (...range: Parameters<typeof xrange>) => {
      await steady.bus.publish(announcement(`${run} 2`));
      return Reflect.apply(xrange, shaky.commands, range);
    });
    await shaky.subscriber.connect();
    await shaky.bus.untilSubscribed(5_000);
    await steady.bus.publish(announcement(`${run} 3`));

    const heard = (await shaky.hears(`${run} 3`)).filter((frame) => frame.startsWith(run));
    expect(heard).to.deep.equal([1, 2, 3].map((n) => `${run} ${n}`));
  });

  it('tells a newcomer nothing of the past', async () => {
    const first = await join();
    const run = randomUUID();
    await first.bus.publish(announcement(`${run} before`));
    const newcomer = await join();
    await first.bus.publish(announcement(`${run} after`));
    const heard = (await newcomer.hears(`${run} after`)).filter((frame) => frame.startsWith(run));
    expect(heard).to.deep.equal([`${run} after`]);
  });

  it('refuses to publish while it is not subscribed', async () => {
    const member = await join();
    member.subscriber.disconnect();
    await once(member.subscriber, 'end');
    const error = await refusalOf(member.bus.publish(announcement(randomUUID())));
    expect([error.status, error.code, error.headers['retry-after']]).to.deep.equal([
      503,
      'not_subscribed',
      '2',
    ]);
  });

  it('refuses, and publishes nothing, when only Redis knows that it is not subscribed', async () => {
    const [deaf, witness] = [await join(), await join()];
    await deaf.subscriber.unsubscribe(deaf.ownChannel);
    const key = randomUUID();
    const run = randomUUID();

    const error = await refusalOf(deaf.bus.publish(announcement(`${run} lost`), key));
    expect(error.code).to.equal('not_subscribed');
    expect(await witness.bus.publish(announcement(`${run} repeated`), key)).to.equal('published');

    const heard = (await witness.hears(`${run} repeated`)).filter((frame) => frame.startsWith(run));
    expect(heard).to.deep.equal([`${run} repeated`]);
  });

  it('tells a repetition that it is one, also at another gateway', async () => {
    const [left, right] = [await join(), await join()];
    const key = randomUUID();
    expect(await left.bus.publish(announcement('x'), key)).to.equal('published');
    expect(await left.bus.publish(announcement('x'), key)).to.equal('duplicate');
    expect(await right.bus.publish(announcement('x'), key)).to.equal('duplicate');
  });
});
