import type { MikroORM } from '@mikro-orm/postgresql';
import type { Logger } from '../logger.ts';

/** Any constant will do, as long as nothing else in the database takes the same advisory lock. */
const MIGRATION_LOCK = 7_305_881_204;

/**
 * Brings the database up to date. Safe to run twice and by several processes at once: the second waits for the
 * first and then finds nothing to do. All pending migrations commit together or not at all.
 */
export async function migrate(orm: MikroORM, logger: Logger): Promise<void> {
  // The mutex is a transaction of its own, because the migrator creates its table outside of the migrations' one.
  await orm.em.fork().transactional(async (em) => {
    await em.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const applied = await orm.migrator.up();
    logger.info(
      { migrations: applied.map((migration) => migration.name) },
      applied.length > 0 ? `Applied ${applied.length} migrations` : 'The database is up to date',
    );
  });
}
