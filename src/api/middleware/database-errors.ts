import { DriverException, LockWaitTimeoutException } from '@mikro-orm/core';
import { HttpError } from '../../shared/errors.ts';

/** An SQLSTATE; errors that never reached PostgreSQL have none, or a system code such as `ECONNREFUSED`. */
const SQL_STATE = /^[0-9A-Z]{5}$/;
/** Connection exceptions, insufficient resources, operator intervention, and lost races. */
const PASSING = /^(?:08|53|57P|40001|40P01|55P03)/;

/** What a client is told when PostgreSQL is away or overloaded. A mistake in a query stays a 500. */
export function explainDatabaseError(thrown: unknown): HttpError | undefined {
  if (!(thrown instanceof DriverException)) return undefined;
  const code = String(thrown.code ?? '');
  const away = !SQL_STATE.test(code) || PASSING.test(code) || thrown instanceof LockWaitTimeoutException;
  if (!away) return undefined;
  return HttpError.unavailable(
    'database_unavailable',
    'The database does not answer at the moment: try again in a few seconds',
    5,
    thrown,
  );
}
