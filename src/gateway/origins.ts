import type { IncomingMessage } from 'node:http';
import { HttpError } from '../shared/errors.ts';

/**
 * Refuses a request that another site's page made in the browser of one of our users. Only browsers send `Origin`,
 * so a request without one passes; with an empty list there is nothing to compare with.
 * @throws {HttpError} 403
 */
export function requireAllowedOrigin(request: IncomingMessage, allowed: readonly string[]): void {
  const { origin } = request.headers;
  if (origin === undefined || allowed.length === 0 || allowed.includes(origin)) return;
  throw new HttpError(403, 'origin_not_allowed', 'This origin is not in the ALLOWED_ORIGINS of the gateway');
}
