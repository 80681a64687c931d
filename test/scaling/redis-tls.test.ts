import { expect } from 'chai';
import { type Certificates, createCertificates } from '../../rig/certificates.ts';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { Pile } from '../../rig/pile.ts';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { readConfig, redis as redisPart } from '../../src/shared/config/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { connectRedis } from '../../src/shared/redis.ts';
import { Buyer } from './support/buyer.ts';

describe('On a Redis that speaks TLS', function () {
  this.timeout(120_000);
  const pile = new Pile();
  let certificates: Certificates;
  let server: RedisServer;

  before(async () => {
    certificates = pile.add(await createCertificates());
    server = pile.add(await startRedis({ tls: certificates }));
  });
  after(() => pile.close());

  /** What becomes of a first attempt to connect. */
  async function attempt(env: Record<string, string>): Promise<string> {
    const { redis } = readConfig({ redis: redisPart }, { REDIS_URL: server.url, ...env });
    const connection = connectRedis(redis, 'failFast', createLogger('test', 'silent'));
    const outcome = await new Promise<string>((resolve) => {
      connection.once('ready', () => resolve('connected'));
      connection.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      connection.once('close', () => resolve('closed'));
    });
    connection.disconnect();
    return outcome;
  }

  it('a purchase reaches the browser, the server’s certificate checked against REDIS_TLS_CA', async () => {
    const matcha: Matcha = pile.add(
      await startMatcha({
        durability: 'fast',
        redisEnv: { REDIS_URL: server.url, REDIS_TLS_CA: certificates.ca },
      }),
    );
    const user = pile.add(await Buyer.open(matcha));
    await user.buys();
    await user.hears('premium_activated', 'payment_succeeded');
    expect((await user.subscription()).is_premium).to.equal(true);
  });

  it('a certificate of an unknown authority is refused', async () => {
    expect(await attempt({})).to.match(/SELF_SIGNED|UNABLE_TO_/);
  });

  it('unless it is not to be checked', async () => {
    expect(await attempt({ REDIS_TLS_REJECT_UNAUTHORIZED: 'false' })).to.equal('connected');
  });

  it('plain text is no way in', async () => {
    expect(await attempt({ REDIS_URL: server.url.replace('rediss:', 'redis:') })).not.to.equal('connected');
  });
});
