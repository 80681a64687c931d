import { reportLeaks } from '../../rig/leaks.ts';
import { type PostgresServer, startPostgres } from '../../rig/postgres.ts';
import { type RedisServer, startRedis } from '../../rig/redis.ts';

let postgres: PostgresServer | undefined;
let redis: RedisServer | undefined;

/**
 * One PostgreSQL and one Redis for the whole run, on free ports, announced in `TEST_DB_HOST`, `TEST_DB_PORT`,
 * `TEST_DB_USER`, `TEST_DB_PASSWORD` and `TEST_REDIS_URL`. Tests make their own databases and key prefixes in them;
 * a test that stops or breaks a server starts its own.
 */
export async function mochaGlobalSetup(): Promise<void> {
  [postgres, redis] = await Promise.all([startPostgres({ durability: 'fast' }), startRedis()]);
  Object.assign(process.env, {
    TEST_DB_HOST: postgres.host,
    TEST_DB_PORT: String(postgres.port),
    TEST_DB_USER: postgres.user,
    TEST_DB_PASSWORD: postgres.password,
    TEST_REDIS_URL: redis.url,
  });
}

export async function mochaGlobalTeardown(): Promise<void> {
  await Promise.all([redis?.close(), postgres?.close()]);
  reportLeaks();
}
