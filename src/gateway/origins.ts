import type { IncomingMessage } from 'node:http';
import { HttpError } from '../shared/errors.ts';
import { isSameOrigin } from '../shared/http/same-origin.ts';

/**
 * Refuses a request that another site's page made in the browser of one of our users: its origin has to be a listed
 * one, or that of the very host that is asked. Only browsers send `Origin`, so a request without one passes.
 * @throws {HttpError} 403
 */
export function requireAllowedOrigin(request: IncomingMessage, allowed: readonly string[]): void {
  const { origin } = request.headers;
  if (origin === undefined || allowed.includes(origin) || isSameOrigin(request)) return;
  throw new HttpError(403, 'origin_not_allowed', 'This origin is not in the ALLOWED_ORIGINS of the gateway');
}
