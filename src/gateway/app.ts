import Koa, { type Middleware } from 'koa';
import helmet from 'koa-helmet';
import { HttpError } from '../shared/errors.ts';
import { loggedPath } from '../shared/http/logged-path.ts';
import { requireReadableTarget } from '../shared/http/readable-target.ts';
import { assignRequestId } from '../shared/http/request-id.ts';
import type { Logger } from '../shared/logger.ts';
import { answerErrors, answerNotFound } from './envelope.ts';
import { type InternalRoutesDeps, internalRoutes } from './internal-routes.ts';
import { type PaymentRoutesDeps, paymentRoutes } from './payment-routes.ts';

export type AppDeps = PaymentRoutesDeps & InternalRoutesDeps & { logger: Logger; isStopping: () => boolean };

/** The gateway's HTTP side. Routes compare the path as it was sent; no middleware reads a proxied body. */
export function createApp(deps: AppDeps): Koa {
  const app = new Koa();
  // Only a broken connection or a mistake in our own middleware comes this far.
  app.on('error', (error) => deps.logger.debug({ err: error }, 'Request failed'));
  app.use(assignRequestId());
  app.use(requireReadableTarget());
  app.use(logRequests(deps.logger));
  app.use(answerErrors(deps.logger));
  app.use(finishConnectionsWhen(deps.isStopping));
  app.use(helmet());
  app.use(paymentRoutes(deps));
  app.use(internalRoutes(deps));
  app.use(pointToWebSocket());
  app.use(answerNotFound());
  return app;
}

/** One line per request, without its query: that may hold a token. */
function logRequests(logger: Logger): Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now();
    const { method } = ctx;
    const path = loggedPath(ctx.path);
    await next();
    logger.debug(
      {
        method,
        path,
        status: ctx.res.statusCode,
        durationMs: Math.round(performance.now() - startedAt),
        requestId: ctx.state.requestId,
      },
      `${method} ${path} ${ctx.res.statusCode}`,
    );
  };
}

/** While stopping, every answer is the last one on its connection. */
function finishConnectionsWhen(isStopping: () => boolean): Middleware {
  return (ctx, next) => {
    if (isStopping()) ctx.set('connection', 'close');
    return next();
  };
}

function pointToWebSocket(): Middleware {
  return (ctx, next) => {
    if (ctx.path !== '/ws' && ctx.path !== '/ws/') return next();
    throw new HttpError(426, 'upgrade_required', 'Connect to /ws with a WebSocket', {
      headers: { upgrade: 'websocket' },
    });
  };
}
