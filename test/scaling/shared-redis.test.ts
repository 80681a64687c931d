import { expect } from 'chai';
import { Redis } from 'ioredis';
import { startMatcha } from '../../rig/matcha.ts';
import { Pile } from '../../rig/pile.ts';
import { startRedis } from '../../rig/redis.ts';
import { Buyer } from './support/buyer.ts';

describe('On a Redis that others use as well', function () {
  this.timeout(120_000);
  const pile = new Pile();
  after(() => pile.close());

  it('two installations do not hear each other, and leave what was there', async () => {
    const server = pile.add(await startRedis());
    const redis = new Redis(server.url);
    pile.defer(() => redis.disconnect());
    await redis.set('somebody:else', 'kept');

    const [left, right] = await Promise.all([
      startMatcha({ durability: 'fast', redisUrl: server.url }),
      startMatcha({ durability: 'fast', redisUrl: server.url }),
    ]);
    const [buyer, stranger] = [await Buyer.open(left), await Buyer.open(right)];
    // The same number in two databases: only the prefix tells them apart.
    expect(stranger.id).to.equal(buyer.id);
    await buyer.buys();
    await buyer.hears('premium_activated', 'payment_succeeded');
    await stranger.buys();
    await stranger.hears('premium_activated', 'payment_succeeded');
    for (const each of [buyer, stranger]) {
      expect(each.heard).to.have.members(['connection_ack', 'premium_activated', 'payment_succeeded']);
      each.close();
    }
    await Promise.all([left.close(), right.close()]);

    expect(await redis.keys('*')).to.deep.equal(['somebody:else']);
  });
});
