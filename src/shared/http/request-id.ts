import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';

/** What another system's id may look like; anything else (log injection, megabytes) is replaced by one of ours. */
const WELL_FORMED = /^[\w.:-]{1,64}$/;

/** The caller's `X-Request-Id` when it is well-formed, else a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && WELL_FORMED.test(header) ? header : randomUUID();
}

/** Gives each request its id: in `ctx.state.requestId`, and back to the caller. */
export function assignRequestId(): Middleware {
  return (ctx, next) => {
    const requestId = requestIdOf(ctx.req.headers['x-request-id']);
    ctx.state.requestId = requestId;
    ctx.set('x-request-id', requestId);
    return next();
  };
}
