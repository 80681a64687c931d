import type { EntityName, MikroORM, RequiredEntityData } from '@mikro-orm/postgresql';
import { PermanentError } from '../errors.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** A row as `json_agg` gives it: by column, timestamps as text. */
export type JsonRow = Readonly<Record<string, unknown>>;

type Values = Record<string, unknown>;

/** What of a table is to be written. */
export type TableChanges = {
  /** Whole rows, without ids. */
  created?: JsonRow[];
  /** Ids, each with the columns that changed. */
  changed?: JsonRow[];
  /** Ids. */
  removed?: unknown[];
};

/**
 * The rows of one table that a transaction holds, as entities: it notes what is changed in them, so that all of it can
 * be written at once. MikroORM's own unit of work waits for the answer of every statement, and its bookkeeping took a
 * third of a worker's processor time.
 */
export class Rows<Entity extends object> {
  readonly #table: Table;
  readonly #key: Column;
  /** Each with what the database has of it. */
  readonly #held = new Map<Entity, JsonRow>();
  readonly #created = new Set<Entity>();
  /** Written, and not yet told what ids they were given. */
  readonly #unidentified = new Set<Entity>();
  readonly #removed = new Set<Entity>();

  /** @param key a unique property, by which rows that were inserted are recognized */
  constructor(orm: MikroORM, entity: EntityName<Entity>, key: keyof Entity & string) {
    this.#table = tableOf(orm, entity);
    const column = this.#table.columns.find(({ property }) => property === key);
    if (!column) throw new Error(`${this.#table.name} has no ${key}`);
    this.#key = column;
  }

  get name(): string {
    return this.#table.name;
  }

  /** Makes entities of rows that were read and stay locked until the transaction is over. */
  take(found: readonly JsonRow[] | null | undefined): Entity[] {
    return (found ?? []).map((row) => {
      const values: Values = {};
      for (const { name, property, isMoment } of this.#table.columns) {
        const value = row[name];
        if (typeof value === 'number') requireExact(value, this.name, name);
        values[property] = isMoment && typeof value === 'string' ? momentOf(value) : value;
      }
      this.#held.set(values as Entity, row);
      return values as Entity;
    });
  }

  /** A new row. */
  create(values: RequiredEntityData<Entity>): Entity {
    const entity = { ...values } as Entity;
    this.#created.add(entity);
    return entity;
  }

  remove(entity: Entity): void {
    if (!this.#created.delete(entity)) this.#removed.add(entity);
  }

  /** A text that is another one whenever one of the row's columns is; the same before a new row is written and after. */
  versionOf(entity: Entity): string {
    const [, ...columns] = this.#table.columns;
    return JSON.stringify(valuesOf(entity, columns));
  }

  /** What has changed since the last time; it counts as written from now on. */
  changes(): TableChanges {
    const changes: TableChanges = {};
    const removed = this.#takeRemoved();
    const changed = this.#takeChanged();
    const created = this.#takeCreated();
    if (removed.length > 0) changes.removed = removed;
    if (changed.length > 0) changes.changed = changed;
    if (created.length > 0) changes.created = created;
    return changes;
  }

  /** Tells new rows which ids they were given, by their key. */
  identify(ids: Readonly<Record<string, number>>): void {
    const { id } = this.#table;
    for (const entity of this.#unidentified) {
      const given = ids[String((entity as Values)[this.#key.property])];
      if (given === undefined) continue;
      (entity as Values)[id.property] = given;
      this.#held.set(entity, { ...this.#held.get(entity), [id.name]: given });
      this.#unidentified.delete(entity);
    }
  }

  #takeRemoved(): unknown[] {
    const ids = [...this.#removed].map((entity) => (entity as Values)[this.#table.id.property]);
    for (const entity of this.#removed) this.#held.delete(entity);
    this.#removed.clear();
    return ids;
  }

  #takeChanged(): JsonRow[] {
    const { id, columns } = this.#table;
    const rows: JsonRow[] = [];
    for (const [entity, row] of this.#held) {
      const changed = columns.filter((column) => isChanged((entity as Values)[column.property], row, column));
      if (changed.length === 0) continue;
      if (row[id.name] === undefined)
        throw new Error(`A new row of ${this.name} was changed before it had its id`);
      const values = valuesOf(entity, changed);
      this.#held.set(entity, { ...row, ...values });
      rows.push({ [id.name]: row[id.name], ...values });
    }
    return rows;
  }

  #takeCreated(): JsonRow[] {
    const [, ...inserted] = this.#table.columns;
    const rows = [...this.#created].map((entity) => {
      const row = valuesOf(entity, inserted);
      this.#held.set(entity, row);
      this.#unidentified.add(entity);
      return row;
    });
    this.#created.clear();
    return rows;
  }
}

function valuesOf(entity: object, columns: readonly Column[]): JsonRow {
  return Object.fromEntries(
    columns.map(({ name, property }) => {
      const value = (entity as Values)[property] ?? null;
      return [name, value instanceof Date ? value.toISOString() : value];
    }),
  );
}

function isChanged(value: unknown, row: JsonRow, { name, isMoment }: Column): boolean {
  const held = row[name] ?? null;
  if (value == null || held === null) return (value ?? null) !== held;
  if (isMoment) return (value as Date).getTime() !== momentOf(held as string).getTime();
  return value !== held;
}

/** Beyond 2^53 JSON no longer carries the number that the database has: counting on with another one is worse. */
function requireExact(value: number, table: string, column: string): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new PermanentError(`${table}.${column} holds ${value}, which is too large to be read exactly`);
  }
}

/** A timestamp without a zone is UTC; in tables that GORM made it may have one. */
function momentOf(text: string): Date {
  return new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
}
