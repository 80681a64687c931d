import type { MikroORM } from '@mikro-orm/postgresql';
import { AppError } from '../errors.ts';

/** The part of a node-postgres pool that is used here; the driver is MikroORM's, not ours. */
export type LeavablePool = {
  readonly idleCount: number;
  connect(): Promise<LeavableClient>;
  on(event: 'connect', listener: (client: LeavableClient) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: LeavableClient) => void): unknown;
};

type LeavableClient = {
  once(event: 'end', listener: () => void): unknown;
  release(): void;
  end(): Promise<void>;
};

/** PostgreSQL answers and takes no writes. */
export class ReadOnlyDatabase extends AppError {
  constructor() {
    super('PostgreSQL takes no writes: it is a standby, or no longer the primary');
  }
}

const leaving = new WeakMap<object, () => void>();

/**
 * Lets a pool leave a server that has become read-only: after a failover the old primary may live on, and connections
 * to it would serve stale rows and refuse writes for as long as they live. New ones find the new primary under the same
 * name. What is in hand on an old connection is finished; it is closed when it is given back.
 * @returns leaves every connection that is open now
 */
export function leavable(pool: LeavablePool): () => void {
  const open = new Set<LeavableClient>();
  const left = new WeakSet<LeavableClient>();
  pool.on('connect', (client) => {
    open.add(client);
    client.once('end', () => open.delete(client));
  });
  // The pool keeps none that is ending.
  pool.on('release', (_error, client) => {
    if (left.has(client)) void client.end().catch(() => undefined);
  });
  const leave = (): void => {
    for (const client of open) left.add(client);
    // Each is taken out and given back, which closes it.
    for (let idle = pool.idleCount; idle > 0; idle--) {
      void pool.connect().then(
        (client) => client.release(),
        () => undefined,
      );
    }
  };
  leaving.set(pool, leave);
  return leave;
}

/**
 * Asks PostgreSQL whether it is there and takes writes; connections to one that takes none are left.
 * @throws {ReadOnlyDatabase} or what the database failed with
 */
export async function pingDatabase(orm: MikroORM): Promise<void> {
  const [row] = await orm.em
    .fork()
    .execute<{ read_only: string }[]>(`select current_setting('transaction_read_only') as read_only`);
  if (row?.read_only !== 'on') return;
  leaving.get(await orm.em.getConnection().getNativeClient())?.();
  throw new ReadOnlyDatabase();
}
