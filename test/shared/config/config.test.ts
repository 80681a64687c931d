import { expect } from 'chai';
import * as parts from '../../../src/shared/config/index.ts';
import { type Environment, readConfig } from '../../../src/shared/config/index.ts';
import { ConfigError } from '../../../src/shared/errors.ts';

const {
  autoMigrate,
  database,
  gatewayTarget,
  internalKey,
  jwt,
  logging,
  origins,
  premium,
  redis,
  stripe,
  webhook,
} = parts;
const everything = {
  autoMigrate,
  database,
  gatewayTarget,
  internalKey,
  jwt,
  logging,
  origins,
  premium,
  redis,
  stripe,
  webhook,
};

const good: Environment = {
  DB_HOST: 'db.internal',
  DB_USER: 'matcha',
  DB_PASSWORD: 'the-database-password',
  DB_NAME: 'matcha',
  REDIS_URL: 'rediss://cache.internal:6380',
  STRIPE_SECRET_KEY: 'sk_test_the_stripe_key',
  STRIPE_PRICE_MENSUEL: 'price_m',
  STRIPE_PRICE_ANNUEL: 'price_a',
  STRIPE_WEBHOOK_SECRET: 'whsec_the_first_secret',
  GATEWAY_URL: 'http://gateway.internal:8080/',
  INTERNAL_API_KEY: 'the-internal-key',
  JWT_SECRET: 'the-secret-of-the-logins',
};

/** The problems named, or none. */
function problemsOf(environment: Environment, which: Parameters<typeof readConfig>[0] = everything) {
  try {
    readConfig(which, environment);
    return [];
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(ConfigError);
    return [...(thrown as ConfigError).problems].sort();
  }
}

describe('configuration', () => {
  it('is read into one frozen object, with defaults', () => {
    const config = readConfig(everything, good);
    expect(Object.isFrozen(config)).to.equal(true);
    expect(config.origins).to.deep.equal([]);
    expect(JSON.stringify(config.internalKey)).to.include('the-internal-key');
    expect(JSON.stringify(config.jwt)).to.include('the-secret-of-the-logins');
    expect(config.stripe.apiBase).to.equal(undefined);
    expect(config).to.containSubset({
      autoMigrate: false,
      database: {
        host: 'db.internal',
        port: 5432,
        user: 'matcha',
        password: 'the-database-password',
        name: 'matcha',
        sslMode: 'disable',
        poolMax: 10,
      },
      gatewayTarget: { url: 'http://gateway.internal:8080' },
      logging: { level: 'info' },
      premium: { graceDays: 3, onRefund: 'keep', onDispute: 'keep' },
      redis: { url: 'rediss://cache.internal:6380', queuePrefix: '{paiements}' },
      stripe: {
        secretKey: 'sk_test_the_stripe_key',
        livemode: false,
        timeoutMs: 15_000,
        prices: { mensuel: 'price_m', annuel: 'price_a' },
      },
      webhook: { secrets: ['whsec_the_first_secret'] },
    });
  });

  it('names every missing variable at once', () => {
    expect(problemsOf({})).to.deep.equal([
      'DB_HOST is missing',
      'DB_NAME is missing',
      'DB_USER is missing',
      'GATEWAY_URL is missing',
      'INTERNAL_API_KEY is missing',
      'JWT_SECRET is missing',
      'REDIS_URL is missing',
      'STRIPE_PRICE_ANNUEL is missing',
      'STRIPE_PRICE_MENSUEL is missing',
      'STRIPE_SECRET_KEY is missing',
      'STRIPE_WEBHOOK_SECRET is missing',
    ]);
  });

  it('takes blank variables for missing ones', () => {
    expect(problemsOf({ ...good, DB_HOST: '  ', JWT_SECRET: '' })).to.deep.equal([
      'DB_HOST is missing',
      'JWT_SECRET is missing',
    ]);
  });

  it('asks only for what a process uses', () => {
    expect(problemsOf({}, { jwt })).to.deep.equal(['JWT_SECRET is missing']);
    expect(problemsOf({}, { logging, origins, premium, autoMigrate })).to.deep.equal([]);
  });

  const malformed: Environment = {
    ALLOWED_ORIGINS: 'https://app.example/malformed',
    AUTO_MIGRATE: 'malformed',
    DB_POOL_MAX: '1',
    DB_PORT: '70000',
    DB_SSLMODE: 'malformed',
    GATEWAY_URL: 'ftp://malformed.example',
    INTERNAL_API_KEY: 'malform',
    JWT_SECRET: 'malformed',
    LOG_LEVEL: 'malformed',
    PREMIUM_GRACE_DAYS: '3.5',
    PREMIUM_PROCESSING_DAYS: '30',
    PREMIUM_ON_DISPUTE: 'malformed',
    PREMIUM_ON_REFUND: 'malformed',
    REDIS_URL: 'http://user:malformed@cache.internal',
    STRIPE_API_BASE: 'malformed',
    STRIPE_PRICE_ANNUEL: 'prod_malformed',
    STRIPE_PRICE_MENSUEL: 'malformed',
    STRIPE_SECRET_KEY: 'pk_test_malformed',
    STRIPE_TIMEOUT_MS: 'malformed',
    STRIPE_WEBHOOK_SECRET: 'whsec_fine_and_long,malformed',
  };

  it('names every malformed variable at once, and never shows its value', () => {
    const problems = problemsOf({ ...good, ...malformed });
    expect(problems.map((line) => line.split(' ', 1)[0])).to.deep.equal(Object.keys(malformed).sort());
    expect(problems.join('\n')).not.to.match(/malform|70000|3\.5/);
    expect(problems).to.include('DB_PORT must be a whole number from 1 to 65535');
  });

  it('says it in one message, together with what is missing', () => {
    const environment = { ...good, DB_HOST: undefined, JWT_SECRET: 'short' };
    expect(() => readConfig(everything, environment)).to.throw(
      ConfigError,
      /fix the environment first:\n {2}- DB_HOST is missing\n {2}- JWT_SECRET must have at least 16 characters$/,
    );
  });

  describe('of Redis', () => {
    function urlOf(environment: Environment): string {
      return readConfig({ redis }, environment).redis.url;
    }

    it('may be spelled as the gateway does', () => {
      expect(urlOf({ REDIS_ADDR: 'cache:6379' })).to.equal('redis://cache:6379');
      const url = new URL(urlOf({ REDIS_ADDR: 'cache:6379', REDIS_PASSWORD: 'p@ss/w:rd#1' }));
      expect([url.host, decodeURIComponent(url.password)]).to.deep.equal(['cache:6379', 'p@ss/w:rd#1']);
    });

    it('goes by REDIS_URL when both are set', () => {
      const both = { REDIS_URL: 'redis://one:1', REDIS_ADDR: 'two:2', REDIS_PASSWORD: 'unused' };
      expect(urlOf(both)).to.equal('redis://one:1');
    });

    for (const address of ['cache', 'cache:', 'redis://cache:6379', 'cache:99999', 'cache:0', 'a b:6379']) {
      it(`refuses the address "${address}"`, () => {
        expect(problemsOf({ REDIS_ADDR: address }, { redis })).to.deep.equal([
          'REDIS_ADDR must be host:port',
        ]);
      });
    }

    for (const url of ['redis:cache', 'redis://', 'cache:6379', 'https://cache:6379']) {
      it(`refuses the URL "${url}"`, () => {
        expect(problemsOf({ REDIS_URL: url }, { redis })).to.deep.equal([
          'REDIS_URL must be a redis://, redis+sentinel:// or redis+cluster:// URL (rediss… for TLS)',
        ]);
      });
    }
  });

  it('takes several webhook secrets while one is rotated', () => {
    const { webhook: read } = readConfig(
      { webhook },
      { STRIPE_WEBHOOK_SECRET: ' whsec_the_first_secret , whsec_the_second_one, ' },
    );
    expect(read.secrets).to.deep.equal(['whsec_the_first_secret', 'whsec_the_second_one']);
    expect(problemsOf({ STRIPE_WEBHOOK_SECRET: ' , ' }, { webhook })).to.have.lengthOf(1);
  });

  it('knows by the key whether money is real', () => {
    for (const [key, livemode] of [
      ['sk_live_x', true],
      ['rk_live_x', true],
      ['rk_test_x', false],
    ] as const) {
      expect(readConfig({ stripe }, { ...good, STRIPE_SECRET_KEY: key }).stripe.livemode).to.equal(livemode);
    }
  });

  describe('of origins', () => {
    it('takes several', () => {
      const env = { ALLOWED_ORIGINS: 'https://app.example, http://localhost:5173' };
      expect(readConfig({ origins }, env).origins).to.deep.equal([
        'https://app.example',
        'http://localhost:5173',
      ]);
    });

    for (const wrong of [
      'https://app.example/path',
      'https://app.example/',
      'https://app.example?x=1',
      '*',
      'https://*.example',
      'app.example',
      'file:///etc',
      'null',
      'https://user@app.example',
    ]) {
      it(`refuses ${wrong}`, () => {
        expect(problemsOf({ ALLOWED_ORIGINS: `https://fine.example,${wrong}` }, { origins })).to.deep.equal([
          'ALLOWED_ORIGINS must be origins such as https://app.example, comma-separated, without a path or *',
        ]);
      });
    }
  });

  it('accepts DB_TIMEZONE, and nothing follows from it', () => {
    const without = readConfig({ database }, good);
    expect(readConfig({ database }, { ...good, DB_TIMEZONE: 'Europe/Paris' })).to.deep.equal(without);
  });

  it('reads flags as people write them', () => {
    for (const [text, flag] of Object.entries({ true: true, 1: true, false: false, 0: false })) {
      expect(readConfig({ autoMigrate }, { AUTO_MIGRATE: text }).autoMigrate).to.equal(flag);
    }
  });
});
