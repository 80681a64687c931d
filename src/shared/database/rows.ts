import type { EntityName, EntityProperty, MikroORM, RequiredEntityData } from '@mikro-orm/postgresql';
import type { Transaction } from './transaction.ts';

/** A row as `json_agg` gives it: by column, timestamps as text. */
export type JsonRow = Readonly<Record<string, unknown>>;

type Column = { readonly name: string; readonly property: string; readonly isMoment: boolean };

/** Where an entity's properties are in the database, as MikroORM's definition says. */
type Table = {
  readonly name: string;
  readonly id: Column;
  /** Without those that are lazy: we may not even be allowed to read them. The id comes first. */
  readonly columns: readonly Column[];
};

type Values = Record<string, unknown>;

/**
 * The rows of one table that a transaction holds, as entities: it notes what is changed in them, and writes all of it
 * in at most one statement of each kind. MikroORM's own unit of work waits for the answer of every statement, and its
 * bookkeeping took a third of a worker's processor time.
 */
export class Rows<Entity extends object> {
  readonly #table: Table;
  readonly #key: Column;
  /** Each with what the database has of it. */
  readonly #held = new Map<Entity, JsonRow>();
  readonly #created = new Set<Entity>();
  readonly #removed = new Set<Entity>();

  /** @param key a unique property, by which rows that were inserted are recognized */
  constructor(orm: MikroORM, entity: EntityName<Entity>, key: keyof Entity & string) {
    this.#table = tableOf(orm, entity);
    const column = this.#table.columns.find(({ property }) => property === key);
    if (!column) throw new Error(`${this.#table.name} has no ${key}`);
    this.#key = column;
  }

  /** Makes entities of rows that were read and stay locked until the transaction is over. */
  take(found: readonly JsonRow[] | null | undefined): Entity[] {
    return (found ?? []).map((row) => {
      const values: Values = {};
      for (const { name, property, isMoment } of this.#table.columns) {
        const value = row[name];
        values[property] = isMoment && typeof value === 'string' ? momentOf(value) : value;
      }
      this.#held.set(values as Entity, row);
      return values as Entity;
    });
  }

  /** A new row; it has its id once it is written. */
  create(values: RequiredEntityData<Entity>): Entity {
    const entity = { ...values } as Entity;
    this.#created.add(entity);
    return entity;
  }

  remove(entity: Entity): void {
    if (!this.#created.delete(entity)) this.#removed.add(entity);
  }

  /** Sends what has changed: what leaves unique indexes goes before what enters them. */
  write(transaction: Transaction): void {
    this.#writeRemoved(transaction);
    this.#writeChanged(transaction);
    this.#writeCreated(transaction);
  }

  #writeRemoved(transaction: Transaction): void {
    if (this.#removed.size === 0) return;
    const { name, id } = this.#table;
    const ids = [...this.#removed].map((entity) => (entity as Values)[id.property]);
    transaction.tell(`delete from ${name} where ${id.name} = any($1::bigint[])`, [ids]);
    for (const entity of this.#removed) this.#held.delete(entity);
    this.#removed.clear();
  }

  #writeChanged(transaction: Transaction): void {
    const { name, id, columns } = this.#table;
    const changes = new Map<Entity, JsonRow>();
    const touched = new Set<Column>();
    for (const [entity, row] of this.#held) {
      const changed = columns.filter((column) => isChanged((entity as Values)[column.property], row, column));
      if (changed.length === 0) continue;
      // The others keep the very text that was read: it may be finer than a Date.
      changes.set(entity, { ...row, ...this.#valuesOf(entity, changed) });
      for (const column of changed) touched.add(column);
    }
    if (changes.size === 0) return;
    const assignments = [...touched].map((column) => `${column.name} = changed.${column.name}`);
    transaction.tell(
      `update ${name} set ${assignments.join(', ')} from json_populate_recordset(null::${name}, $1::json) as changed
       where ${name}.${id.name} = changed.${id.name}`,
      [JSON.stringify([...changes.values()])],
    );
    for (const [entity, row] of changes) this.#held.set(entity, row);
  }

  #writeCreated(transaction: Transaction): void {
    if (this.#created.size === 0) return;
    const { name, id, columns } = this.#table;
    const [, ...inserted] = columns;
    const names = inserted.map((column) => column.name).join(', ');
    const rows = new Map([...this.#created].map((entity) => [entity, this.#valuesOf(entity, inserted)]));
    this.#created.clear();
    for (const [entity, row] of rows) this.#held.set(entity, row);
    transaction.tell<JsonRow>(
      `insert into ${name} (${names}) select ${names} from json_populate_recordset(null::${name}, $1::json)
       returning ${id.name}, ${this.#key.name}`,
      [JSON.stringify([...rows.values()])],
      (answers) => {
        const ids = new Map(answers.map((answer) => [answer[this.#key.name], Number(answer[id.name])]));
        for (const [entity, row] of rows) {
          const known = ids.get(row[this.#key.name]);
          (entity as Values)[id.property] = known;
          this.#held.set(entity, { ...row, [id.name]: known });
        }
      },
    );
  }

  #valuesOf(entity: Entity, columns: readonly Column[]): JsonRow {
    return Object.fromEntries(
      columns.map(({ name, property }) => {
        const value = (entity as Values)[property] ?? null;
        return [name, value instanceof Date ? value.toISOString() : value];
      }),
    );
  }
}

function isChanged(value: unknown, row: JsonRow, { name, isMoment }: Column): boolean {
  const held = row[name] ?? null;
  if (value == null || held === null) return (value ?? null) !== held;
  if (isMoment) return (value as Date).getTime() !== momentOf(held as string).getTime();
  return value !== held;
}

/** A timestamp without a zone is UTC; in tables that GORM made it may have one. */
function momentOf(text: string): Date {
  return new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
}

const tables = new WeakMap<object, Table>();

function tableOf<Entity extends object>(orm: MikroORM, entity: EntityName<Entity>): Table {
  const meta = orm.getMetadata().get(entity);
  let table = tables.get(meta);
  if (!table) {
    const columns = meta.props
      .filter((property) => !property.lazy && property.persist !== false)
      .sort((a, b) => Number(b.primary ?? false) - Number(a.primary ?? false))
      .map((property) => columnOf<Entity>(property));
    const [id] = columns;
    if (!id) throw new Error(`${meta.tableName} has no columns`);
    table = { name: meta.tableName, id, columns };
    tables.set(meta, table);
  }
  return table;
}

function columnOf<Entity extends object>({ name, fieldNames, runtimeType }: EntityProperty<Entity>): Column {
  return { name: fieldNames[0] ?? name, property: name, isMoment: runtimeType === 'Date' };
}
