import type { Context } from 'koa';

/** Styles in attributes are Bull Board's own; scripts are files of ours only. Its web fonts stay away. */
const BOARD_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** @param styleHash of the page's one style sheet, in base64 */
export function pagePolicy(styleHash: string): string {
  return `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
}

/** Instead of what every other route sends: this one is for browsers, and for nobody's cache. */
export function setBoardHeaders(ctx: Pick<Context, 'set'>, policy: string = BOARD_POLICY): void {
  ctx.set('content-security-policy', policy);
  ctx.set('cache-control', 'no-store');
  ctx.set('x-robots-tag', 'noindex');
  // With the stricter `no-referrer` browsers send forms with `Origin: null`.
  ctx.set('referrer-policy', 'same-origin');
  ctx.set('x-frame-options', 'DENY');
}
