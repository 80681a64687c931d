import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Takes transaction-scoped advisory locks, in one order for everybody, so that two units of work never wait for each
 * other in a circle. Also pins the transaction's zone to UTC: Matcha's triggers write `updated_at` in session time.
 */
export async function lock(em: EntityManager, names: readonly string[]): Promise<void> {
  await em.execute(
    `select set_config('TimeZone', 'UTC', true),
       (select count(pg_advisory_xact_lock(hash)) from (
          select distinct hashtextextended(name, 0) as hash
          from json_array_elements_text(?::json) as name order by hash
        ) as ordered)`,
    [JSON.stringify(names)],
  );
}
