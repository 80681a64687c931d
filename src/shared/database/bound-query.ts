import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/**
 * Runs a statement with its values bound by the driver (`$1`, `$2`, …), within the manager's transaction if it has
 * one. `em.execute` writes the values into the statement's text instead: where they are many or large that is slow
 * for both sides.
 * @returns the rows that the statement returns, under the names of their columns
 */
export async function boundQuery<Row = unknown>(
  em: EntityManager,
  statement: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(statement, [...values]));
  return rows;
}
