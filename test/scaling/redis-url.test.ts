import { expect } from 'chai';
import { gatewayRedis, readConfig, redis } from '../../src/shared/config/index.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { atDatabase0, parseRedisUrl } from '../../src/shared/redis-url.ts';

describe('A Redis URL', () => {
  it('may lead to one server', () => {
    expect(parseRedisUrl('rediss://user:pw@cache:6380/2')).to.deep.equal({
      kind: 'server',
      url: 'rediss://user:pw@cache:6380/2',
      tls: true,
    });
  });

  it('may lead to the master that sentinels name', () => {
    expect(parseRedisUrl('redis+sentinel://us%3Aer:p%40ss@one:1,[::1]:2,three/my-master/4')).to.deep.equal({
      kind: 'sentinel',
      sentinels: [
        { host: 'one', port: 1 },
        { host: '::1', port: 2 },
        { host: 'three', port: 26_379 },
      ],
      name: 'my-master',
      database: 4,
      tls: false,
      username: 'us:er',
      password: 'p@ss',
    });
  });

  it('may lead to a cluster', () => {
    expect(parseRedisUrl('rediss+cluster://:pw@one:1,two')).to.deep.equal({
      kind: 'cluster',
      nodes: [
        { host: 'one', port: 1 },
        { host: 'two', port: 6_379 },
      ],
      tls: true,
      username: undefined,
      password: 'pw',
    });
  });

  for (const url of [
    'redis+sentinel://one:1',
    'redis+sentinel://one:1/',
    'redis+sentinel://one:99999/name',
    'redis+sentinel://one:1,,two:2/name',
    'redis+sentinel://one:1/name/x',
    'redis+cluster://one:1/3',
    'redis+cluster://',
    'redis+cluster://%zz:pw@one:1',
    'redis+proxy://one:1',
  ]) {
    it(`is not ${url}`, () => {
      expect(parseRedisUrl(url)).to.equal(undefined);
    });
  }

  it('has a database 0, where revoked logins are', () => {
    expect(atDatabase0('redis://:pw@host:1/3')).to.equal('redis://:pw@host:1');
    expect(atDatabase0('redis+sentinel://one:1/name/3')).to.equal('redis+sentinel://one:1/name');
    expect(atDatabase0('redis+sentinel://one:1/3')).to.equal('redis+sentinel://one:1/3');
    expect(atDatabase0('redis+cluster://one:1')).to.equal('redis+cluster://one:1');
  });
});

describe('The configuration of Redis', () => {
  function problemsOf(env: Record<string, string>): readonly string[] {
    try {
      readConfig({ redis, gatewayRedis }, env);
      return [];
    } catch (thrown) {
      if (thrown instanceof ConfigError) return thrown.problems;
      throw thrown;
    }
  }

  it('takes the nodes of a cluster, and prefixes that keep keys together', () => {
    const config = readConfig(
      { redis, gatewayRedis },
      { REDIS_CLUSTER_NODES: 'one:1, two:2', REDIS_PASSWORD: 'p@ss' },
    );
    expect(config.redis).to.include({
      url: 'redis+cluster://:p%40ss@one:1,two:2',
      queuePrefix: '{paiements}',
    });
    expect(config.gatewayRedis.keyPrefix).to.equal('{gateway}:');
  });

  it('keeps the gateways’ old names on one server', () => {
    const { gatewayRedis: config } = readConfig({ gatewayRedis }, { REDIS_URL: 'redis://cache' });
    expect(config.keyPrefix).to.equal('gateway:');
  });

  it('refuses prefixes that a cluster would spread', () => {
    const spread = { REDIS_CLUSTER_NODES: 'one:1', QUEUE_PREFIX: 'bull', GATEWAY_KEY_PREFIX: 'gw:{}' };
    expect(problemsOf(spread).map((line) => line.split(' ')[0])).to.have.members([
      'QUEUE_PREFIX',
      'GATEWAY_KEY_PREFIX',
    ]);
    expect(problemsOf({ ...spread, REDIS_CLUSTER_NODES: '', REDIS_URL: 'redis://cache' })).to.deep.equal([]);
  });

  it('refuses two places at once', () => {
    expect(problemsOf({ REDIS_URL: 'redis://cache', REDIS_CLUSTER_NODES: 'one:1' })).to.deep.equal([
      'REDIS_CLUSTER_NODES must be empty when REDIS_URL is set',
    ]);
  });

  it('refuses nodes that are none, and an authority that cannot be read', () => {
    expect(problemsOf({ REDIS_CLUSTER_NODES: 'one:1;two:2' })).to.deep.equal([
      'REDIS_CLUSTER_NODES must be host:port of some nodes, comma-separated',
    ]);
    expect(problemsOf({ REDIS_URL: 'rediss://cache', REDIS_TLS_CA: '/nowhere.pem' })).to.deep.equal([
      'REDIS_TLS_CA must be the path of a readable PEM file',
    ]);
  });
});
