import type { IncomingMessage } from 'node:http';
import cors from '@koa/cors';
import type { Middleware } from 'koa';
import { splitTarget, withoutToken } from './browser-token.ts';
import { type Attestation, forwardedHeaders } from './forwarded-headers.ts';
import { type LoginCheck, tokenMeantBy } from './login.ts';
import type { ServiceProxy } from './proxy.ts';
import { type Access, proxyRouteOf } from './proxy-routes.ts';

export type PaymentRoutesDeps = { proxy: ServiceProxy; login: LoginCheck; allowedOrigins: readonly string[] };

/** Takes the requests that are the payment service's: CORS, login where the route asks for it, then the proxy. */
export function paymentRoutes({ proxy, login, allowedOrigins }: PaymentRoutesDeps): Middleware {
  const shareWithOrigin = corsByList(allowedOrigins);
  return (ctx, next) => {
    const { path, query } = splitTarget(ctx.req.url ?? '');
    const route = proxyRouteOf(path);
    if (!route) return next();
    return shareWithOrigin(ctx, async () => {
      // A preflight carries no login and is none of the service's business.
      if (ctx.method === 'OPTIONS') {
        ctx.status = 204;
        return;
      }
      const attestation = {
        requestId: String(ctx.state.requestId),
        ...(await attest(ctx.req, route.access, login, allowedOrigins)),
      };
      const forwardedQuery = withoutToken(query);
      const target = forwardedQuery === '' ? route.upstreamPath : `${route.upstreamPath}?${forwardedQuery}`;
      ctx.respond = false;
      await proxy.forward(ctx.req, ctx.res, {
        target,
        headers: forwardedHeaders(ctx.req, attestation),
        repeatable: route.repeatable,
      });
    });
  };
}

async function attest(
  request: IncomingMessage,
  access: Access,
  login: LoginCheck,
  allowedOrigins: readonly string[],
): Promise<Omit<Attestation, 'requestId'>> {
  if (access === 'anonymous') return {};
  if (access === 'tokenOptional') return { token: tokenMeantBy(request, allowedOrigins) };
  const { userId, token } = await login(request);
  return { userId, token };
}

function corsByList(allowedOrigins: readonly string[]): Middleware {
  return cors({
    origin: (ctx) => {
      const origin = ctx.get('origin');
      return allowedOrigins.includes(origin) ? origin : '';
    },
    credentials: true,
    exposeHeaders: ['X-Request-Id', 'Retry-After'],
    maxAge: 600,
  });
}
