import { isPassingFailure } from '../../shared/database/index.ts';
import { HttpError } from '../../shared/errors.ts';

/** What a client is told when PostgreSQL is away, takes no writes or is overloaded. A mistake in a query stays a 500. */
export function explainDatabaseError(thrown: unknown): HttpError | undefined {
  if (!isPassingFailure(thrown)) return undefined;
  return HttpError.unavailable(
    'database_unavailable',
    'The database does not answer at the moment: try again in a few seconds',
    5,
    thrown,
  );
}
