import type { TableChanges, Transaction } from '../../../shared/database/index.ts';

/** By the unique key of a table's new rows. */
type Ids = Record<string, number>;

/**
 * Sends changes of several tables as one statement (`migrations/` has the function, which knows in what order).
 * @param identify gets the ids of each table's new rows
 */
export function writeLedger(
  transaction: Transaction,
  tables: readonly (readonly [table: string, changes: TableChanges])[],
  identify: (table: string, ids: Ids) => void,
): void {
  const given = tables.flatMap(([table, { removed, changed, created }]) => [
    ...(removed ? [{ name: `removed_${table}`, value: removed }] : []),
    ...(changed ? [{ name: `changed_${table}`, value: JSON.stringify(changed) }] : []),
    ...(created ? [{ name: `new_${table}`, value: JSON.stringify(created) }] : []),
  ]);
  if (given.length === 0) return;
  const list = given.map(({ name }, at) => `${name} => $${at + 1}`).join(', ');
  transaction.tell<{ ids: Record<string, Ids> }>(
    `select write_ledger_v1(${list}) as ids`,
    given.map(({ value }) => value),
    ([row]) => {
      for (const [table, ids] of Object.entries(row?.ids ?? {})) identify(table, ids);
    },
  );
}
