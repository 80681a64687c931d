import { setTimeout as wait } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { SECOND } from '../duration.ts';
import type { Logger } from '../logger.ts';
import { installWriteFunction } from './write-function.ts';

/** Any constant will do, as long as nothing else in the database takes the same advisory lock. */
const MIGRATION_LOCK = 7_305_881_204;
/** Between two attempts to get it while another process migrates, in milliseconds. */
const RETRY_MS = SECOND / 4;

/**
 * Brings the database up to date. Safe to run twice and by several processes at once: the second waits for the
 * first and then finds nothing to do. All pending migrations commit together or not at all.
 */
export async function migrate(orm: MikroORM, logger: Logger): Promise<void> {
  while (!(await migrateUnlessBusy(orm, logger))) await wait(RETRY_MS);
}

/**
 * Whoever migrates holds two connections. Those who wait must hold none: a connection pooler has few, and were they
 * all waiting for the lock, its holder would wait for a connection for ever.
 * @returns false when another process is migrating
 */
function migrateUnlessBusy(orm: MikroORM, logger: Logger): Promise<boolean> {
  // The mutex is a transaction of its own, because the migrator creates its table outside of the migrations' one.
  return orm.em.fork().transactional(async (em) => {
    const [row] = await em.execute<{ free: boolean }[]>(
      `select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as free`,
    );
    if (!row?.free) return false;
    const applied = await orm.migrator.up();
    await installWriteFunction(orm);
    logger.info(
      { migrations: applied.map((migration) => migration.name) },
      applied.length > 0 ? `Applied ${applied.length} migrations` : 'The database is up to date',
    );
    return true;
  });
}
