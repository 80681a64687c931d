import type { TableChanges, Transaction } from '../../../shared/database/index.ts';

/** By the unique key of a table's new rows. */
type Ids = Record<string, number>;

/**
 * Sends changes of several tables as one statement.
 * @param name of the function in the database, which knows in what order
 * @param identify gets the ids of each table's new rows
 */
export function writeLedger(
  transaction: Transaction,
  name: string,
  tables: readonly (readonly [table: string, changes: TableChanges])[],
  identify: (table: string, ids: Ids) => void,
): void {
  const given = tables.flatMap(([table, { removed, changed, created }]) => [
    ...(removed ? [{ name: `removed_${table}`, value: removed }] : []),
    ...(changed ? [{ name: `changed_${table}`, value: JSON.stringify(changed) }] : []),
    ...(created ? [{ name: `new_${table}`, value: JSON.stringify(created) }] : []),
  ]);
  if (given.length === 0) return;
  const list = given.map((parameter, at) => `${parameter.name} => $${at + 1}`).join(', ');
  transaction.tell<{ ids: Record<string, Ids> }>(
    `select ${name}(${list}) as ids`,
    given.map(({ value }) => value),
    ([row]) => {
      for (const [table, ids] of Object.entries(row?.ids ?? {})) identify(table, ids);
    },
  );
}
