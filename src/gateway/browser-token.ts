import type { IncomingMessage } from 'node:http';
import { HttpError } from '../shared/errors.ts';

/** Where a browser's login token was found. A cookie comes along by itself, also when another site causes the request. */
export type TokenSource = 'bearer' | 'query' | 'cookie';

export type BrowserToken = { readonly token: string; readonly source: TokenSource };

/** What may stand in a header: the characters of a JWT. */
const HEADER_SAFE = /^[\w.~+/=-]+$/;

/**
 * Finds the token of a request: `Authorization: Bearer`, else `?token=`, else the cookie `access_token`.
 * It is not verified here.
 * @throws {HttpError} 401 when there is one that cannot be a token
 */
export function browserTokenOf(request: IncomingMessage): BrowserToken | undefined {
  const found = findToken(request);
  if (found && !HEADER_SAFE.test(found.token)) {
    throw HttpError.unauthorized('The login token is not valid: log in again');
  }
  return found;
}

function findToken(request: IncomingMessage): BrowserToken | undefined {
  const { authorization = '' } = request.headers;
  const bearer = /^Bearer /i.test(authorization) ? authorization.slice('Bearer '.length).trim() : '';
  if (bearer) return { token: bearer, source: 'bearer' };
  const query = new URLSearchParams(splitTarget(request.url ?? '').query).get('token');
  if (query) return { token: query, source: 'query' };
  const cookie = cookieValue(request.headers.cookie ?? '', 'access_token');
  return cookie ? { token: cookie, source: 'cookie' } : undefined;
}

function cookieValue(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const separator = pair.indexOf('=');
    if (separator === -1 || pair.slice(0, separator).trim() !== name) continue;
    return pair
      .slice(separator + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}

/** Splits a request target at its first `?`, without decoding or normalising anything. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  return mark === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** The query without any `token` parameter, however it is encoded; everything else stays as it was, byte for byte. */
export function withoutToken(query: string): string {
  return query
    .split('&')
    .filter((pair) => !new URLSearchParams(pair).has('token'))
    .join('&');
}
