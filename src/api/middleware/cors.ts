import cors from '@koa/cors';
import type { Middleware } from 'koa';

/** Lets browsers of the listed origins read our answers, with credentials; any other origin gets no CORS header. */
export function allowOrigins(origins: readonly string[]): Middleware {
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('origin')) ? ctx.get('origin') : ''),
    credentials: true,
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowHeaders: ['content-type', 'authorization', 'x-request-id'],
    exposeHeaders: ['x-request-id', 'retry-after'],
    maxAge: 600,
  });
}
