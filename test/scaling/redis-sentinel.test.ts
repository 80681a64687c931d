import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { Pile } from '../../rig/pile.ts';
import { type RedisSentinels, startRedisSentinels } from '../../rig/redis-sentinel.ts';
import { Buyer } from './support/buyer.ts';
import { everythingDelivered } from './support/sandbox.ts';
import { leftOpen } from './support/settled.ts';

/** How a master is lost: its connections break, or stay open and nothing comes any more. */
const LOSSES = {
  'is killed': ({ master }: RedisSentinels) => master.kill(),
  hangs: async ({ master }: RedisSentinels) => master.freeze(),
};

for (const [loss, lose] of Object.entries(LOSSES)) {
  describe(`On a Redis master under Sentinels that ${loss}`, function () {
    this.timeout(240_000);
    const pile = new Pile();
    let sentinels: RedisSentinels;
    let matcha: Matcha;

    before(async () => {
      sentinels = pile.add(await startRedisSentinels());
      matcha = pile.add(
        await startMatcha({
          durability: 'fast',
          redisEnv: { REDIS_URL: sentinels.url, REDIS_SENTINEL_PASSWORD: sentinels.sentinelPassword },
          env: { SWEEP_INTERVAL_SECONDS: '1' },
        }),
      );
    });
    after(() => pile.close());

    it('a purchase reaches the browser', async () => {
      const user = pile.add(await Buyer.open(matcha));
      await user.buys();
      await user.hears('premium_activated', 'payment_succeeded');
    });

    it('an event that was accepted before is applied after the failover', async () => {
      const user = pile.add(await Buyer.open(matcha));
      const session = await user.beginsCheckout();
      const [worker] = matcha.workers;
      worker?.freeze();
      await user.pays(session);
      await everythingDelivered(matcha);
      await sentinels.untilReplicated();

      await lose(sentinels);
      await sentinels.untilFailedOver();
      worker?.thaw();

      await user.hears('premium_activated', 'payment_succeeded');
      expect((await user.subscription()).is_premium).to.equal(true);
    });

    it('the next purchase goes through the new master', async () => {
      const user = pile.add(await Buyer.open(matcha));
      await user.buys();
      await user.hears('premium_activated', 'payment_succeeded');
      expect(await leftOpen(matcha)).to.deep.equal([]);
    });
  });
}
