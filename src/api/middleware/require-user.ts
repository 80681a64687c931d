import type { IncomingHttpHeaders } from 'node:http';
import type { Middleware } from 'koa';
import { HttpError } from '../../shared/errors.ts';
import { verifyLoginToken } from '../../shared/login-token.ts';
import type { WebDeps } from '../deps.ts';

export type LoginDeps = Pick<WebDeps, 'config' | 'isRevoked' | 'clock'>;

/**
 * Lets in the user whom the gateway names in `X-User-ID`, when the token it passes on in `X-JWT-Token` proves it.
 * The header alone proves nothing: whoever reaches this port can write it. What reaches it without a gateway brings
 * the token itself (`Authorization: Bearer`), which needs no name beside it and is checked just the same.
 */
export function requireUser(deps: LoginDeps): Middleware {
  return async (ctx, next) => {
    const { headers } = ctx.req;
    const userId = await optionalUserOf(headers, deps);
    if (userId === undefined) {
      throw HttpError.unauthorized(
        'Log in first: there is no login token, in X-JWT-Token (from the gateway) or as Authorization: Bearer',
      );
    }
    if (headers['x-user-id'] === undefined && gatewayTokenOf(headers) !== undefined) {
      throw HttpError.unauthorized('X-User-ID is missing: the gateway sends it with X-JWT-Token');
    }
    ctx.state.userId = userId;
    await next();
  };
}

/**
 * The user of a route that guests may use too.
 * @returns undefined without a token
 * @throws {HttpError} 401 with a token that is not valid, or not of the user in `X-User-ID`; 503 when unknown
 */
export async function optionalUserOf(
  headers: IncomingHttpHeaders,
  deps: LoginDeps,
): Promise<number | undefined> {
  const token = gatewayTokenOf(headers) ?? bearerTokenOf(headers);
  if (token === undefined) return undefined;
  const { userId } = await verifyLoginToken(token, {
    secrets: deps.config.jwt.secrets,
    isRevoked: deps.isRevoked,
    clock: deps.clock,
  });
  const named = headers['x-user-id'];
  if (named !== undefined && named !== String(userId)) {
    throw HttpError.unauthorized('X-User-ID is not the user of the login token');
  }
  return userId;
}

/** The gateway's word comes before the browser's own, which it may have passed on as it was. */
function gatewayTokenOf(headers: IncomingHttpHeaders): string | undefined {
  const token = headers['x-jwt-token'];
  return token === undefined || token === '' ? undefined : String(token);
}

function bearerTokenOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}
