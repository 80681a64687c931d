import { createHash } from 'node:crypto';
import type { EntityName, MikroORM } from '@mikro-orm/postgresql';
import { LEDGER_TABLES } from './ledger-tables.ts';
import { type Table, tableOf } from './table.ts';

/** A function in the database: `name` is free of rivals, since it is made from the text. */
export type DatabaseFunction = { readonly name: string; readonly sql: string };

/** What the names of all versions of it begin with. */
const FAMILY = 'write_ledger_';
/** Versions that stay beside the newest: an older worker may still run, and going back is starting it. */
const OLDER_KEPT = 2;

const known = new WeakMap<object, DatabaseFunction>();

/**
 * What a unit of work writes its rows with, made from the entities: a column is a line there and one in a migration.
 * A function, because PostgreSQL keeps its plans behind any pooler; planning these statements anew takes it longer than
 * running them. Its name holds a hash of its text, so that versions of the service that know other columns each have
 * their own.
 */
export function writeFunction(orm: MikroORM): DatabaseFunction {
  const metadata = orm.getMetadata();
  let made = known.get(metadata);
  if (!made) {
    const text = textOf(orm);
    const name = FAMILY + createHash('sha256').update(text).digest('hex').slice(0, 12);
    made = { name, sql: `create function ${name}${text}` };
    known.set(metadata, made);
  }
  return made;
}

/**
 * Makes sure that the database has the function, with the rights that the version before it has. Harmless to repeat.
 * Only while no other process migrates.
 */
export async function installWriteFunction(orm: MikroORM): Promise<void> {
  const { name, sql } = writeFunction(orm);
  await orm.em.fork().transactional(async (em) => {
    const versions = await em.execute<{ name: string }[]>(
      `select proname as name from pg_proc
       where starts_with(proname, '${FAMILY}') and pronamespace = current_schema()::regnamespace order by oid desc`,
    );
    if (versions.some((version) => version.name === name)) return;
    await em.execute(sql);
    const [latest, ...older] = versions;
    if (latest) await em.execute(copyRights(latest.name, name));
    for (const version of older.slice(OLDER_KEPT - 1)) await em.execute(`drop function ${version.name}`);
  });
}

/** Where nothing was ever said about rights, everybody may run functions; else the new one is for the same roles. */
function copyRights(from: string, to: string): string {
  return `do $$
  declare
    rights aclitem[] := (
      select proacl from pg_proc where proname = '${from}' and pronamespace = current_schema()::regnamespace);
    may_run text;
  begin
    if rights is null then return; end if;
    revoke all on function ${to} from public;
    for may_run in
      select coalesce(quote_ident(rolname), 'public') from aclexplode(rights) as granted
      left join pg_roles as roles on roles.oid = granted.grantee where granted.privilege_type = 'EXECUTE'
    loop
      execute 'grant execute on function ${to} to ' || may_run;
    end loop;
  end $$`;
}

/** All but the name. The function answers with the ids of new rows: `{"subscriptions": {"sub_…": 1}, …}`. */
function textOf(orm: MikroORM): string {
  const tables = Object.values(LEDGER_TABLES).map(({ entity, key }) => {
    const table = tableOf(orm, entity as EntityName<object>);
    return { table, key: columnOf(table, key) };
  });
  const names = tables.map(({ table }) => table.name);
  const given = [
    'changed_users json',
    ...names.flatMap((name) => [`changed_${name} json`, `new_${name} json`, `removed_${name} bigint[]`]),
  ];
  return `(
    ${given.map((parameter) => `${parameter} default null`).join(', ')}
  ) returns json language plpgsql as $$
  declare
    change json;
    ${names.map((name) => `ids_${name} json;`).join(' ')}
  begin
    if changed_users is not null then
      -- The only column of another service's table that is ever written.
      for change in select value from json_array_elements(changed_users) loop
        update users set premium = (change ->> 'premium')::timestamp where id = (change ->> 'id')::bigint;
      end loop;
    end if;
    ${tables.map(({ table, key }) => writeTable(table, key)).join('')}
    return json_strip_nulls(json_build_object(${names.map((name) => `'${name}', ids_${name}`).join(', ')}));
  end $$`;
}

function columnOf({ name, columns }: Table, property: string): string {
  const column = columns.find((candidate) => candidate.property === property);
  if (!column) throw new Error(`${name} has no ${property}`);
  return column.name;
}

/**
 * What leaves unique indexes goes before what enters them. Columns that a change does not name stay as they are. Row by
 * row: a plan that joins all changes to the table at once, made while the table is small, reads all of it.
 */
function writeTable({ name, columns: [, ...columns] }: Table, key: string): string {
  const list = columns.map((column) => column.name).join(', ');
  return `
    if removed_${name} is not null then delete from ${name} where id = any(removed_${name}); end if;
    if changed_${name} is not null then
      for change in select value from json_array_elements(changed_${name}) loop
        update ${name} as held set (${list}) = (select ${list} from json_populate_record(held, change))
        where held.id = (change ->> 'id')::bigint;
      end loop;
    end if;
    if new_${name} is not null then
      with added as (
        insert into ${name} (${list}) select ${list} from json_populate_recordset(null::${name}, new_${name})
        returning id, ${key} as key
      ) select json_object_agg(key, id) from added into ids_${name};
    end if;`;
}
