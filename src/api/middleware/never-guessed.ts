import type { Middleware } from 'koa';

/** A browser takes every answer for what it says it is. */
export function neverGuessed(): Middleware {
  return (ctx, next) => {
    ctx.set('x-content-type-options', 'nosniff');
    return next();
  };
}
