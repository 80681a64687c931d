import { DriverException, LockWaitTimeoutException } from '@mikro-orm/core';

/** The part of a node-postgres pool that is used here; the driver is MikroORM's, not ours. */
export type FailingPool = {
  connect: (...args: unknown[]) => unknown;
  on(event: 'connect', listener: (client: { query: (...args: unknown[]) => unknown }) => void): unknown;
};

/** An SQLSTATE; errors that never reached PostgreSQL have none, or a system code such as `ECONNREFUSED`. */
const SQL_STATE = /^[0-9A-Z]{5}$/;
/** The server writes nothing: a standby, or what was the primary before a failover. */
export const READ_ONLY = '25006';
/** Connections lost, refused or cut for waiting; a read-only server; one that stops, starts or has lost its disk. */
const AWAY = /^(?:08|25006|25P0[34]|53300|57P|58)/;
/** Insufficient resources, statements that took too long, and lost races: the next attempt may well succeed. */
const PASSING = /^(?:53|57014|40001|40P01|55P03)/;

/** What pools and their connections failed with, as the driver threw it. */
const failures = new WeakSet<object>();

/**
 * Remembers what a pool and its connections fail with. MikroORM turns some of it into its own exceptions; what
 * transactions and query builders meet comes through as it is, with nothing to tell it from any other error.
 * @param onFailure told of each
 */
export function watchFailures(pool: FailingPool, onFailure: (error: object) => void): void {
  const watch = (result: unknown): unknown => {
    // Callbacks and cursors give no promise.
    if (!(result instanceof Promise)) return result;
    return result.catch((thrown: unknown) => {
      if (typeof thrown === 'object' && thrown !== null) {
        failures.add(thrown);
        onFailure(thrown);
      }
      throw thrown;
    });
  };
  const { connect } = pool;
  pool.connect = (...args) => watch(connect.apply(pool, args));
  pool.on('connect', (client) => {
    const { query } = client;
    client.query = (...args) => watch(query.apply(client, args));
  });
}

/** Whether work failed because PostgreSQL is away, or takes no writes: it waits, and is done again when it is back. */
export function isDatabaseAway(thrown: unknown): boolean {
  const failure = failureIn(thrown);
  if (failure === undefined) return false;
  const code = codeOf(failure);
  return !SQL_STATE.test(code) || AWAY.test(code);
}

/** Whether PostgreSQL is away, overloaded, or lost a race: nothing is wrong with what was asked. */
export function isPassingFailure(thrown: unknown): boolean {
  const failure = failureIn(thrown);
  if (failure === undefined) return false;
  return (
    isDatabaseAway(failure) || PASSING.test(codeOf(failure)) || failure instanceof LockWaitTimeoutException
  );
}

/** The database's failure behind an error, or behind one of several, if there is one. */
function failureIn(thrown: unknown): Error | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (thrown instanceof DriverException || failures.has(thrown)) return thrown;
  const behind: unknown[] = [thrown.cause, ...(thrown instanceof AggregateError ? thrown.errors : [])];
  return behind.map(failureIn).find((failure) => failure !== undefined);
}

/** The SQLSTATE or system code of an error; empty when it has none. */
export function codeOf(error: object): string {
  return 'code' in error ? String(error.code ?? '') : '';
}
