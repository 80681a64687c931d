import type { Context, Middleware } from 'koa';
import { failure } from './failure.ts';

/**
 * Answers 400 to a request whose target has no path, like `GET http://`: HTTP's parser lets it through, and everything
 * further in relies on a path. Has to come first, and so writes the envelope itself.
 */
export function requireReadableTarget(): Middleware {
  return (ctx, next) => {
    if (hasPath(ctx)) return next();
    ctx.status = 400;
    ctx.body = failure('The request target has no path: send one like /health', 'invalid_target');
    return undefined;
  };
}

/** Asks Koa, since it is Koa's reading that everything further in uses. */
function hasPath(ctx: Context): boolean {
  try {
    return typeof ctx.path === 'string';
  } catch {
    return false;
  }
}
