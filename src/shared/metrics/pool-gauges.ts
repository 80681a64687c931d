import type { MikroORM } from '@mikro-orm/postgresql';
import type { Registry } from 'prom-client';
import type { Logger } from '../logger.ts';
import { Gauges } from './gauges.ts';
import { Snapshot } from './snapshot.ts';

/** Adds the use of this process's connections to PostgreSQL. */
export function addPoolGauges(registry: Registry, orm: MikroORM, logger: Logger): void {
  const read = async () => {
    const { totalCount, idleCount, waitingCount } = await orm.em.getConnection().getNativeClient();
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  };
  const gauges = new Gauges(registry, new Snapshot('the connection pool', read, logger));
  gauges.values(
    'paiements_postgres_pool_connections',
    'Open connections to PostgreSQL: total, and idle of them',
    ['state'],
    ({ total, idle }) => [
      [{ state: 'total' }, total],
      [{ state: 'idle' }, idle],
    ],
  );
  gauges.value(
    'paiements_postgres_pool_waiting',
    'Requests of this process that wait for a connection',
    ({ waiting }) => waiting,
  );
}
