import type { Middleware } from 'koa';

/** Nothing here is for a browser or a proxy to keep: it is one user's, or true for this moment only. */
export function neverCached(): Middleware {
  return (ctx, next) => {
    ctx.set('cache-control', 'no-store');
    return next();
  };
}
