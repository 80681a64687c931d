import { expect } from 'chai';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { freePort } from '../../rig/ports.ts';
import { type ManagedProcess, startProcess } from '../../rig/process.ts';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { connectRedis } from '../../src/shared/redis.ts';
import { checkRedisSafety, problemsOf, UnsafeRedis } from '../../src/shared/redis-safety.ts';
import { envExample } from '../deploy/support.ts';

const EVICTS = /maxmemory-policy allkeys-lru.*set maxmemory-policy noeviction/;
const FORGETS = /writes nothing to disk.*set appendonly yes/;
const SILENT = /does not tell whether it writes to disk/;

describe('A Redis that could lose jobs', function () {
  this.timeout(60_000);
  let redis: RedisServer;
  let admin: Redis;

  before(async () => {
    redis = await startRedis();
    admin = new Redis(redis.url);
  });
  after(async () => {
    admin?.disconnect();
    await redis?.close();
  });

  /** Sets Redis up, and checks it. @returns the warnings, or what the strict check threw */
  async function check(
    settings: Record<string, string>,
    { strict = false, url = redis.url } = {},
  ): Promise<string[] | UnsafeRedis> {
    for (const [name, value] of Object.entries(settings)) await admin.config('SET', name, value);
    const warnings: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line).msg) });
    const connection = connectRedis(url, 'patient', logger);
    try {
      await checkRedisSafety(connection, { strict, logger });
      return warnings;
    } catch (thrown) {
      if (thrown instanceof UnsafeRedis) return thrown;
      throw thrown;
    } finally {
      connection.disconnect();
    }
  }

  const SAFE = { 'maxmemory-policy': 'noeviction', appendonly: 'yes', save: '' };

  it('is none with noeviction and an append-only file, or with snapshots', async () => {
    expect(await check(SAFE, { strict: true })).to.deep.equal([]);
    expect(await check({ ...SAFE, appendonly: 'no', save: '60 1' }, { strict: true })).to.deep.equal([]);
  });

  it('is a warning that says what to set', async () => {
    const warnings = await check({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', save: '' });
    expect(warnings).to.have.length(2);
    expect(String(warnings)).to.match(EVICTS).and.to.match(FORGETS);
  });

  it('is an error that says what to set, where that is asked for', async () => {
    const settings = { 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', save: '' };
    const error = await check(settings, { strict: true });
    expect(error).to.be.instanceOf(UnsafeRedis);
    expect((error as UnsafeRedis).message)
      .to.match(EVICTS)
      .and.to.match(FORGETS);
  });

  it('is seen through INFO where CONFIG is forbidden', async () => {
    await admin.acl('SETUSER', 'guest', 'on', '>guest-password', '~*', '&*', '+@all', '-config');
    const url = `redis://guest:guest-password@127.0.0.1:${redis.port}`;
    expect(await check(SAFE, { strict: true, url })).to.deep.equal([]);
    const settings = { 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', save: '60 1' };
    expect(String(await check(settings, { url })))
      .to.match(EVICTS)
      .and.to.match(SILENT);
  });

  it('is assumed where Redis says nothing at all', () => {
    const problems = problemsOf({ evictionPolicy: null, appendOnly: null, snapshots: null });
    expect(problems).to.have.length(2);
    expect(String(problems))
      .to.match(/noeviction/)
      .and.to.match(SILENT);
  });

  /** Starts a process against this Redis, as far as it comes. */
  async function start(script: string, env: Record<string, string>): Promise<ManagedProcess> {
    const { TEST_DB_HOST = '', TEST_DB_PORT = '', TEST_DB_USER = '', TEST_DB_PASSWORD = '' } = process.env;
    return startProcess({
      name: script,
      script,
      env: {
        ...envExample(),
        NODE_ENV: 'production',
        // In production the example's own are refused.
        STRIPE_SECRET_KEY: 'sk_test_of_the_tests',
        STRIPE_WEBHOOK_SECRET: 'whsec_of_the_tests',
        JWT_SECRET: 'the-jwt-secret-of-the-tests',
        INTERNAL_API_KEY: 'an-internal-key-for-tests',
        REDIS_URL: redis.url,
        PAIEMENTS_SERVICE_PORT: String(await freePort()),
        DB_HOST: TEST_DB_HOST,
        DB_PORT: TEST_DB_PORT,
        DB_USER: TEST_DB_USER,
        DB_PASSWORD: TEST_DB_PASSWORD,
        DB_NAME: 'postgres',
        DAILY_CHECKS: 'false',
        RECONCILE_INTERVAL_SECONDS: '0',
        ...env,
      },
    });
  }

  for (const script of ['src/api/main.ts', 'src/workers/main.ts']) {
    it(`keeps ${script} from starting with REDIS_STRICT`, async () => {
      await check({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', save: '' });
      const strict = await start(script, { REDIS_STRICT: 'true' });
      try {
        await strict.waitForLine(/REDIS_STRICT/, 30_000);
        expect((await strict.exited).code).to.equal(1);
        expect(strict.lines.join('\n')).to.match(EVICTS).and.to.match(FORGETS);
      } finally {
        await strict.close();
      }
    });

    it(`lets ${script} start with REDIS_STRICT when all is well`, async () => {
      await check(SAFE);
      const safe = await start(script, { REDIS_STRICT: 'true' });
      try {
        await safe.waitForLine(/listens on|worker ready/, 30_000);
        expect(safe.lines.filter((line) => line.includes('"redis-safety"'))).to.deep.equal([]);
        expect(safe.lines.join('\n')).to.contain('INTERNAL_API_KEY has fewer than 32 bytes');
      } finally {
        await safe.close();
      }
    });

    it(`lets ${script} start without, with a warning`, async () => {
      await check({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', save: '' });
      const lenient = await start(script, {});
      try {
        await lenient.waitForLine(/listens on|worker ready/, 30_000);
        const warnings = lenient.lines.filter((line) => line.includes('"redis-safety"'));
        expect(warnings.join('\n')).to.match(EVICTS).and.to.match(FORGETS);
      } finally {
        await lenient.close();
      }
    });
  }
});
