import type { MikroORM } from '@mikro-orm/postgresql';
import { MaintenanceState } from '../../shared/entities/index.ts';
import { storableValue } from '../../shared/storable.ts';

/** Reads what a maintenance run remembered; undefined when it never did. */
export async function recall<T extends Record<string, unknown>>(
  orm: MikroORM,
  name: string,
): Promise<T | undefined> {
  const row = await orm.em.fork().findOne(MaintenanceState, { name });
  return row?.data as T | undefined;
}

/** Remembers something under a name, replacing what was there. */
export async function remember(
  orm: MikroORM,
  name: string,
  data: Record<string, unknown>,
  now: Date,
): Promise<void> {
  await orm.em.fork().upsert(MaintenanceState, { name, data: storableValue(data), updatedAt: now });
}

/** Forgets what was remembered under a name. */
export async function forget(orm: MikroORM, name: string): Promise<void> {
  await orm.em.fork().nativeDelete(MaintenanceState, { name });
}
