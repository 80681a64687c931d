import type { EntityManager, EntityName, EntityProperty } from '@mikro-orm/postgresql';
import { boundQuery } from './bound-query.ts';

/** Which rows of an entity's table: those in which any of these columns has any of these values. */
export type Wanted<Entity extends object> = {
  readonly entity: EntityName<Entity>;
  readonly where: Readonly<Record<string, Iterable<string | number>>>;
};

type JsonRow = Readonly<Record<string, unknown>>;

/**
 * Reads rows of several tables in one round trip, where `em.find` takes one each, and makes managed entities of them:
 * the manager notes and writes their changes as if it had found them itself.
 * @returns the entities of each entry, under its key
 */
export async function readTogether<Found extends Record<string, object>>(
  em: EntityManager,
  wanted: { readonly [K in keyof Found]: Wanted<Found[K]> },
): Promise<{ [K in keyof Found]: Found[K][] }> {
  const values: unknown[] = [];
  const entries = (Object.entries(wanted) as [keyof Found & string, Wanted<Found[keyof Found]>][]).map(
    ([key, { entity, where }]) => ({ key, entity, where, properties: eagerProperties(em, entity) }),
  );
  const selected = entries.map(({ key, entity, where, properties }) => {
    // An arm for an empty list would find nothing, but may make PostgreSQL read a whole partial index to say so.
    const arms = Object.entries(where)
      .map(([column, ids]) => [column, [...ids]] as const)
      .filter(([, ids]) => ids.length > 0)
      .map(([column, ids]) => {
        values.push(ids);
        return `${column} = any($${values.length}::${typeof ids[0] === 'number' ? 'bigint' : 'text'}[])`;
      });
    if (arms.length === 0) return `null as ${key}`;
    const table = em.getMetadata().get(entity).tableName;
    const columns = properties.map((property) => `"${columnOf(property)}"`);
    return `(select json_agg(found) from (select ${columns.join(', ')} from ${table}
       where ${arms.join(' or ')}) as found) as ${key}`;
  });
  const rows =
    values.length === 0
      ? []
      : await boundQuery<Record<string, JsonRow[] | null>>(em, `select ${selected.join(', ')}`, values);
  return Object.fromEntries(
    entries.map(({ key, entity, properties }) => [
      key,
      entitiesOf(em, entity, properties, rows[0]?.[key] ?? []),
    ]),
  ) as { [K in keyof Found]: Found[K][] };
}

function entitiesOf<Entity extends object>(
  em: EntityManager,
  entity: EntityName<Entity>,
  properties: readonly EntityProperty<Entity>[],
  rows: readonly JsonRow[],
): Entity[] {
  return rows.map((row) => {
    const data = Object.fromEntries(
      properties.map((property) => [property.name, jsValueOf(property, row[columnOf(property)])]),
    );
    return em.merge(entity, data as never, { refresh: true });
  });
}

/** Lazy ones are left out, as `em.find` leaves them out: we may not even be allowed to read them. */
function eagerProperties<Entity extends object>(
  em: EntityManager,
  entity: EntityName<Entity>,
): readonly EntityProperty<Entity>[] {
  return em
    .getMetadata()
    .get(entity)
    .props.filter((property) => !property.lazy && property.persist !== false);
}

function columnOf<Entity extends object>({ fieldNames, name }: EntityProperty<Entity>): string {
  return fieldNames[0] ?? name;
}

function jsValueOf<Entity extends object>({ runtimeType }: EntityProperty<Entity>, value: unknown): unknown {
  return runtimeType === 'Date' && typeof value === 'string' ? momentOf(value) : value;
}

/** A timestamp without a zone is UTC; in tables that GORM made it may have one. */
function momentOf(text: string): Date {
  return new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
}
