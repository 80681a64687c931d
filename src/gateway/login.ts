import type { IncomingMessage } from 'node:http';
import { HttpError } from '../shared/errors.ts';
import { type LoginIdentity, type LoginTokenOptions, verifyLoginToken } from '../shared/login-token.ts';
import { browserTokenOf } from './browser-token.ts';
import { requireAllowedOrigin } from './origins.ts';

export type Login = LoginIdentity & { readonly token: string };

/** Tells who makes a request, or throws {@link HttpError} 401, 403 or 503. */
export type LoginCheck = (request: IncomingMessage) => Promise<Login>;

/** Methods that change nothing, so that being tricked into one does no harm. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createLoginCheck(tokens: LoginTokenOptions, allowedOrigins: readonly string[]): LoginCheck {
  return async (request) => {
    const found = browserTokenOf(request);
    if (!found) {
      throw HttpError.unauthorized('Log in first: send the token as Authorization: Bearer <token>');
    }
    // Another site cannot add our header or query token, but its form posts would carry our cookie.
    if (found.source === 'cookie' && !SAFE_METHODS.has(request.method ?? '')) {
      requireAllowedOrigin(request, allowedOrigins);
    }
    return { ...(await verifyLoginToken(found.token, tokens)), token: found.token };
  };
}
