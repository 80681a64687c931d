import type { MikroORM } from '@mikro-orm/postgresql';
import { pino } from 'pino';
import type { Databases } from '../../rig/databases.ts';
import { quoteName, withSql } from '../../rig/sql.ts';
import { database, readConfig } from '../../src/shared/config/index.ts';
import { migrate, openDatabase } from '../../src/shared/database/index.ts';
import { createDatabase, type Origin, testDatabases } from '../support/fixtures/old-matcha.ts';

const silent = pino({ level: 'silent' });

/** A database of one suite, and the ORM on it. */
export type Subject = {
  readonly name: string;
  readonly databases: Databases;
  readonly orm: MikroORM;
  migrate(): Promise<void>;
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
};

export async function openSubject(origin: Origin, env: Record<string, string> = {}): Promise<Subject> {
  const databases = testDatabases();
  const name = await createDatabase(databases, origin);
  const config = readConfig({ database }, { ...databases.environment(name), ...env });
  const orm = await openDatabase(config.database, silent);
  return {
    name,
    databases,
    orm,
    migrate: () => migrate(orm, silent),
    query: (text, values) => databases.query(name, text, values),
    drop: async () => {
      await orm.close();
      await databases.drop(name);
    },
  };
}

/** Runs a query in a session at UTC, so that both kinds of timestamp read as UTC wall clock. */
export function queryAtUtc(subject: Subject, text: string): Promise<Record<string, unknown>[]> {
  return withSql(subject.databases.address(subject.name), async (sql) => {
    await sql.query(`set timezone to 'UTC'`);
    return (await sql.query(text)).rows;
  });
}

export type Column = { column_name: string; udt_name: string; is_nullable: string; column_default: unknown };

export async function columnsOf(subject: Subject, table: string): Promise<Column[]> {
  return (await subject.query(
    `select column_name, udt_name, is_nullable, column_default from information_schema.columns
     where table_schema = 'public' and table_name = $1 order by ordinal_position`,
    [table],
  )) as Column[];
}

/** Every row, as PostgreSQL writes the given columns: equal text means equal bytes. */
export async function rowsOf(subject: Subject, table: string, columns: readonly Column[]): Promise<string[]> {
  const names = columns.map((column) => quoteName(column.column_name)).join(', ');
  const rows = await subject.query(`select row(${names})::text as line from ${quoteName(table)} order by id`);
  return rows.map((row) => String(row.line));
}
