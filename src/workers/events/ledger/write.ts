import type { TableChanges, Transaction } from '../../../shared/database/index.ts';

/** By the unique key of a table's new rows. */
type Ids = Record<string, number>;

const ARGUMENT = { removed: 'removed', changed: 'changed', created: 'new' } as const;

/**
 * Sends changes of several tables as one statement (`migrations/` has the function, which knows in what order).
 * @param identify gets the ids of each table's new rows
 */
export function writeLedger(
  transaction: Transaction,
  tables: readonly (readonly [table: string, changes: TableChanges])[],
  identify: (table: string, ids: Ids) => void,
): void {
  const names: string[] = [];
  const values: unknown[] = [];
  for (const [table, { removed, changed, created }] of tables) {
    if (removed) {
      names.push(`${ARGUMENT.removed}_${table}`);
      values.push(removed);
    }
    for (const [name, rows] of [
      [ARGUMENT.changed, changed],
      [ARGUMENT.created, created],
    ] as const) {
      if (!rows) continue;
      names.push(`${name}_${table}`);
      values.push(JSON.stringify(rows));
    }
  }
  if (names.length === 0) return;
  const given = names.map((name, at) => `${name} => $${at + 1}`);
  transaction.tell<{ ids: Record<string, Ids> }>(
    `select write_ledger_v1(${given.join(', ')}) as ids`,
    values,
    ([row]) => {
      for (const [table, ids] of Object.entries(row?.ids ?? {})) identify(table, ids);
    },
  );
}
