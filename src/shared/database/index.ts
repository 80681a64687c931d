export { LEDGER_TABLES } from './ledger-tables.ts';
export { migrate } from './migrate.ts';
export { type DatabaseConfig, openDatabase, ormOptions } from './orm.ts';
export { type JsonRow, Rows, type TableChanges } from './rows.ts';
export { inTransaction, type Transaction } from './transaction.ts';
export { writeFunction } from './write-function.ts';
