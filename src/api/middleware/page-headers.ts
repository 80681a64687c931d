import type { Middleware } from 'koa';
import helmet from 'koa-helmet';

/**
 * What a browser is to keep in mind about our pages. Not for answers of the API: a gateway passes those on under its
 * own name, and `Strict-Transport-Security` there would speak for all of that domain. For the same reason it never
 * speaks for subdomains.
 */
export function pageHeaders(): Middleware {
  return helmet({ strictTransportSecurity: { includeSubDomains: false } });
}
