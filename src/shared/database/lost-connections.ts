import { SECOND } from '../duration.ts';

/** The part of a node-postgres pool that is used here; the driver is MikroORM's, not ours. */
export type ClientPool = {
  on(event: 'connect' | 'acquire', listener: (client: PooledClient) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: PooledClient) => void): unknown;
};

type PooledClient = {
  once(event: 'end', listener: () => void): unknown;
  release(destroy?: boolean): void;
};

/** Whoever gives a lost connection back by themselves does so as soon as their statement has failed. */
const GRACE_MS = SECOND;

/**
 * Gives connections back to the pool that were lost while a transaction had them. Kysely gives a transaction's
 * connection back after its commit or its rollback has succeeded; on a lost connection neither can, nor can `begin`.
 * The pool would count it as taken for ever: after as many losses as it has places, everybody would wait for a
 * connection until the process is restarted, and the pool could not be closed either.
 */
export function returnLostConnections(pool: ClientPool): void {
  const taken = new WeakSet<PooledClient>();
  pool.on('acquire', (client) => void taken.add(client));
  pool.on('release', (_error, client) => void taken.delete(client));
  pool.on('connect', (client) => {
    client.once('end', () => {
      const timer = setTimeout(() => {
        if (!taken.has(client)) return;
        client.release(true);
        // The pool throws at whoever gives back twice.
        client.release = () => undefined;
      }, GRACE_MS);
      timer.unref();
    });
  });
}
