import { expect } from 'chai';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { fails, reach } from './support.ts';

describe('rig: Redis', () => {
  let server: RedisServer;
  let client: Redis;

  before(async () => {
    server = await startRedis({ appendFsync: 'always' });
  });
  after(() => server.close());
  beforeEach(() => {
    client = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on('error', () => undefined);
  });
  afterEach(() => client.disconnect());

  it('never evicts jobs to make room', async () => {
    expect(await client.config('GET', 'maxmemory-policy')).to.deep.equal(['maxmemory-policy', 'noeviction']);
  });

  it('asks for its password', async () => {
    const stranger = new Redis(server.port, server.host, { retryStrategy: () => null });
    stranger.on('error', () => undefined);
    expect(await fails(() => stranger.set('a', 'b'))).to.equal(true);
    stranger.disconnect();
  });

  for (const end of ['stop', 'kill'] as const) {
    it(`keeps what was written, its port and its password over ${end}() and start()`, async () => {
      await client.set(`kept:${end}`, 'yes');
      await server[end]();
      expect(server.running).to.equal(false);
      await server.start();
      expect(await client.get(`kept:${end}`)).to.equal('yes');
    });
  }

  it('hangs while it is frozen, and answers when it is thawed', async () => {
    await client.ping();
    server.freeze();
    let answered = false;
    const answer = client.ping().then(() => {
      answered = true;
    });
    // The connection still opens (the kernel accepts it); only the answer is missing.
    await reach(server.port);
    expect(answered).to.equal(false);
    server.thaw();
    await answer;
  });

  it('forgets everything over a crash when nothing is written to disk', async () => {
    const forgetful = await startRedis();
    const other = new Redis(forgetful.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    other.on('error', () => undefined);
    await other.set('a', 'b');
    await forgetful.kill();
    await forgetful.start();
    expect(await other.get('a')).to.equal(null);
    other.disconnect();
    await forgetful.close();
    expect(await fails(() => reach(forgetful.port))).to.equal(true);
  });
});
