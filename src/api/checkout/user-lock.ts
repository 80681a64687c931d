import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { unlessAborted } from '../hang-up.ts';

/**
 * A transaction that is the only one of its kind for a user, in every process. It commits before the lock is free.
 * When the signal comes it is rolled back at once, as if the process had died: nothing waits for Stripe any more.
 */
export type WithUserLock = <T>(
  userId: number,
  work: (em: EntityManager) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

/** The advisory lock is per transaction, so that neither a crash nor a connection pooler can leave it behind. */
export function createUserLock(orm: MikroORM): WithUserLock {
  return (userId, work, signal) =>
    orm.em.fork().transactional(async (em) => {
      // Another process that hangs over this user's purchase must not hang us as well. Below the time any statement
      // may take, so that waiting ends with an answer and not with the connection.
      await em.execute(`set local lock_timeout = '9s'`);
      await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`checkout:user:${userId}`]);
      signal.throwIfAborted();
      return unlessAborted(signal, work(em));
    });
}
