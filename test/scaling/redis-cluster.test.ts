import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { Pile } from '../../rig/pile.ts';
import { type RedisCluster, startRedisCluster } from '../../rig/redis-cluster.ts';
import { readGatewayConfig } from '../../src/gateway/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { revocationKeys } from '../../src/shared/login-token.ts';
import { connectRedis } from '../../src/shared/redis.ts';
import { Buyer } from './support/buyer.ts';
import { everythingDelivered } from './support/sandbox.ts';
import { leftOpen } from './support/settled.ts';

describe('On a Redis Cluster of three nodes', function () {
  this.timeout(120_000);
  const pile = new Pile();
  let cluster: RedisCluster;
  let matcha: Matcha;

  before(async () => {
    cluster = pile.add(await startRedisCluster({ appendFsync: 'always' }));
    matcha = pile.add(
      await startMatcha({
        durability: 'fast',
        redisEnv: { REDIS_CLUSTER_NODES: cluster.addresses, REDIS_PASSWORD: cluster.password },
        env: { SWEEP_INTERVAL_SECONDS: '1' },
      }),
    );
  });
  after(() => pile.close());

  async function buyer(): Promise<Buyer> {
    return pile.add(await Buyer.open(matcha));
  }

  it('a purchase goes through web, queue, worker and gateway to the browser', async () => {
    const user = await buyer();
    await user.buys();
    await user.hears('premium_activated', 'payment_succeeded');
    expect((await user.subscription()).is_premium).to.equal(true);
  });

  it('a revoked login is refused', async () => {
    const user = await buyer();
    const { redis } = readGatewayConfig(matcha.env);
    const [key] = revocationKeys(user.token);
    const connection = connectRedis({ ...redis, slotKey: key }, 'patient', createLogger('test', 'silent'));
    await connection.set(key, '1', 'EX', 60);
    connection.disconnect();
    const answer = await user.call('GET', '/api/stripe/subscription');
    expect(answer.status).to.equal(401);
  });

  it('an event that comes while the queue’s node is down is applied when it is back', async () => {
    const user = await buyer();
    const session = await user.beginsCheckout();
    const owner = await cluster.ownerOf('{paiements}');
    await owner.kill();
    await user.pays(session);
    await everythingDelivered(matcha);
    await owner.start();
    await cluster.untilAgreed();
    await user.hears('premium_activated', 'payment_succeeded');
    expect((await user.subscription()).is_premium).to.equal(true);
  });

  it('gateways go where their keys went when a replica takes over', async () => {
    const user = await buyer();
    const owner = await cluster.ownerOf('{gateway}:');
    const replica = await cluster.addReplica(owner);
    await cluster.promote(replica);
    expect(await cluster.ownerOf('{gateway}:')).to.equal(replica);
    await user.buys();
    await user.hears('premium_activated', 'payment_succeeded');
  });

  it('every job that was accepted has been applied, and every message delivered', async () => {
    expect(await leftOpen(matcha)).to.deep.equal([]);
  });
});
