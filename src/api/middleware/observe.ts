import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Middleware } from 'koa';
import { createSecretCheck, type SecretCheck } from '../../shared/http/constant-time.ts';
import { requestIdOf } from '../../shared/http/request-id.ts';
import { countRequest } from '../../shared/metrics/http.ts';
import { inSpan, type TracePlace, tracing } from '../../shared/tracing/index.ts';
import { BOARD_PATH } from '../board/index.ts';

type Intake = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const WEBHOOK_ROUTE = '/api/stripe/webhook';

/** Counts and times Stripe's deliveries, and begins the trace of each: Stripe is in nobody's. */
export function observeWebhooks(intake: Intake): Intake {
  return async (request, response) => {
    const startedAt = performance.now();
    await inSpan(`POST ${WEBHOOK_ROUTE}`, { kind: 'server' }, async (span) => {
      // Decided here, so that the span knows it too.
      if (span) request.headers['x-request-id'] = requestIdOf(request.headers['x-request-id']);
      span?.set({ correlation_id: String(request.headers['x-request-id']) });
      await intake(request, response);
      span?.set({ 'http.response.status_code': response.statusCode });
    });
    countRequest(request.method, WEBHOOK_ROUTE, response.statusCode, startedAt);
  };
}

/**
 * Counts and times all other requests by the pattern of their route, once their answer is known.
 * @param internalKeys who knows one may say to which trace a request belongs
 */
export function observeRequests(internalKeys: readonly string[]): Middleware {
  const isInternal = createSecretCheck(internalKeys);
  return async (ctx, next) => {
    const startedAt = performance.now();
    await inSpan(ctx.method, { kind: 'server', parent: parentOf(ctx.req, isInternal) }, async (span) => {
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

/**
 * `traceparent` decides whether a trace is kept, whatever our share of them is, and reaches us from the internet: not
 * every gateway drops it. So it counts from our own services only, which say who they are by `X-Internal-Key`.
 */
function parentOf({ headers }: IncomingMessage, isInternal: SecretCheck): TracePlace | undefined {
  const { traceparent, 'x-internal-key': key } = headers;
  if (!tracing() || typeof traceparent !== 'string' || typeof key !== 'string') return undefined;
  return isInternal(key) ? JSON.stringify({ traceparent }) : undefined;
}
