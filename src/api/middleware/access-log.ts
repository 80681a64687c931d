import type { Middleware } from 'koa';
import { loggedPath } from '../../shared/http/logged-path.ts';
import type { Logger } from '../../shared/logger.ts';

/** One line per request: neither headers nor the query, which may hold a token. */
export function logRequests(logger: Logger): Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now();
    await next();
    const { method } = ctx;
    const path = loggedPath(ctx.path);
    // Probes come every few seconds and say nothing while all is well.
    const level = path.startsWith('/health') && ctx.status < 400 ? 'debug' : 'info';
    logger[level](
      {
        method,
        path,
        status: ctx.status,
        durationMs: Math.round(performance.now() - startedAt),
        requestId: ctx.state.requestId,
        userId: ctx.state.userId,
      },
      `${method} ${path} ${ctx.status}`,
    );
  };
}
