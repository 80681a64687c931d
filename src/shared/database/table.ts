import type { EntityName, EntityProperty, MikroORM } from '@mikro-orm/postgresql';

/** A column, and what it holds. */
export type Column = { readonly name: string; readonly property: string; readonly isMoment: boolean };

/** Where an entity's properties are in the database, as MikroORM's definition says. */
export type Table = {
  readonly name: string;
  readonly id: Column;
  /** Without those that are lazy: we may not even be allowed to read them. The id comes first. */
  readonly columns: readonly Column[];
};

const tables = new WeakMap<object, Table>();

/** The table of an entity; worked out once. */
export function tableOf<Entity extends object>(orm: MikroORM, entity: EntityName<Entity>): Table {
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
