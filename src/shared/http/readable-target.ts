import type { Context, Middleware } from 'koa';
import { failure } from './failure.ts';

/** More than any route's path has, in characters. */
const MAX_PATH = 512;
/** More than any route is asked with: a query has room for a login token and an address to return to. */
const MAX_TARGET = 8 * 1_024;

/**
 * Answers 414 to a request target longer than any route's, and 400 to one that has no path, like `GET http://`: HTTP's
 * parser lets both through, and everything further in relies on a path. Has to come first, and so writes the envelope
 * itself.
 */
export function requireReadableTarget(): Middleware {
  return (ctx, next) => {
    if (isTooLong(ctx.req.url ?? '')) {
      ctx.status = 414;
      ctx.body = failure('The request target is longer than that of any route here', 'target_too_long');
      return undefined;
    }
    if (hasPath(ctx)) return next();
    ctx.status = 400;
    ctx.body = failure('The request target has no path: send one like /health', 'invalid_target');
    return undefined;
  };
}

function isTooLong(target: string): boolean {
  const mark = target.indexOf('?');
  return target.length > MAX_TARGET || (mark === -1 ? target.length : mark) > MAX_PATH;
}

/** Asks Koa, since it is Koa's reading that everything further in uses. */
function hasPath(ctx: Context): boolean {
  try {
    return typeof ctx.path === 'string';
  } catch {
    return false;
  }
}
