import type { Context } from 'koa';
import { HttpError } from '../../shared/errors.ts';
import { isSameOrigin } from '../../shared/http/same-origin.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD']);

export function isUnsafe(method: string): boolean {
  return !SAFE_METHODS.has(method);
}

/**
 * Refuses what another site made a browser send. `SameSite=Strict` keeps the cookie from other sites; this also keeps
 * out other origins of the same site, and forms that log somebody in.
 * @throws {HttpError} 403, also when neither is there
 */
export function requireSameOrigin(ctx: Pick<Context, 'req'>): void {
  if (isSameOrigin(ctx.req)) return;
  throw new HttpError(403, 'other_origin', 'The board takes this only from its own pages, in a browser');
}
