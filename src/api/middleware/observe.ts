import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Middleware } from 'koa';
import { requestIdOf } from '../../shared/http/request-id.ts';
import { countRequest } from '../../shared/metrics/http.ts';
import { inSpan, type TracePlace } from '../../shared/tracing/index.ts';
import { BOARD_PATH } from '../board/index.ts';

type Intake = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const WEBHOOK_ROUTE = '/api/stripe/webhook';

/** Counts and times Stripe's deliveries, and begins the trace of each. */
export function observeWebhooks(intake: Intake): Intake {
  return async (request, response) => {
    const startedAt = performance.now();
    await inSpan(`POST ${WEBHOOK_ROUTE}`, { kind: 'server', parent: parentOf(request) }, async (span) => {
      // Decided here, so that the span knows it too.
      if (span) request.headers['x-request-id'] = requestIdOf(request.headers['x-request-id']);
      span?.set({ correlation_id: String(request.headers['x-request-id']) });
      await intake(request, response);
      span?.set({ 'http.response.status_code': response.statusCode });
    });
    countRequest(request.method, WEBHOOK_ROUTE, response.statusCode, startedAt);
  };
}

/** Counts and times all other requests by the pattern of their route, once their answer is known. */
export function observeRequests(): Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now();
    await inSpan(ctx.method, { kind: 'server', parent: parentOf(ctx.req) }, async (span) => {
      await next();
      span?.rename(`${ctx.method} ${routeOf(ctx)}`);
      span?.set({ 'http.response.status_code': ctx.status, correlation_id: ctx.state.requestId });
    });
    countRequest(ctx.method, routeOf(ctx), ctx.status, startedAt);
  };
}

/** The pattern, never the path: the board with all its files is one, and so is whatever no route of ours answers. */
function routeOf(ctx: Context): string {
  if (ctx.path === BOARD_PATH || ctx.path.startsWith(`${BOARD_PATH}/`)) return BOARD_PATH;
  const pattern: unknown = ctx._matchedRoute;
  return typeof pattern === 'string' ? pattern : 'unmatched';
}

function parentOf({ headers }: IncomingMessage): TracePlace | undefined {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? JSON.stringify({ traceparent }) : undefined;
}
