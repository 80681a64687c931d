import type { IncomingMessage } from 'node:http';
import { HttpError } from '../shared/errors.ts';
import { isSameOrigin } from '../shared/http/same-origin.ts';

/**
 * Refuses a request that another site's page made in the browser of one of our users. Only browsers send `Origin`,
 * so a request without one passes. With an empty list any page may ask that has a login to show; see
 * {@link requireOwnOrigin} for a login that comes along by itself.
 * @throws {HttpError} 403
 */
export function requireAllowedOrigin(request: IncomingMessage, allowed: readonly string[]): void {
  if (allowed.length > 0) requireOwnOrigin(request, allowed);
}

/**
 * What a login in a cookie needs: no other site's page, named or not, may have made the browser send it.
 * @throws {HttpError} 403
 */
export function requireOwnOrigin(request: IncomingMessage, allowed: readonly string[]): void {
  const { origin } = request.headers;
  if (origin === undefined || allowed.includes(origin) || isSameOrigin(request)) return;
  throw new HttpError(403, 'origin_not_allowed', 'This origin is not in the ALLOWED_ORIGINS of the gateway');
}
