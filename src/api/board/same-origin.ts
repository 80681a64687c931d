import type { Context } from 'koa';
import { HttpError } from '../../shared/errors.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD']);

export function isUnsafe(method: string): boolean {
  return !SAFE_METHODS.has(method);
}

/**
 * Refuses what another site made a browser send. `SameSite=Strict` keeps the cookie from other sites; this also keeps
 * out other origins of the same site, and forms that log somebody in. Browsers say where an unsafe request comes from
 * in headers that no page can write: `Sec-Fetch-Site` over https and on localhost, `Origin` everywhere.
 * @throws {HttpError} 403, also when neither is there
 */
export function requireSameOrigin(ctx: Pick<Context, 'req'>): void {
  const { 'sec-fetch-site': site, origin, host } = ctx.req.headers;
  const isOurs =
    site === undefined
      ? origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
      : site === 'same-origin';
  if (isOurs) return;
  throw new HttpError(403, 'other_origin', 'The board takes this only from its own pages, in a browser');
}
