import type { IncomingMessage } from 'node:http';

/**
 * Whether a browser sent a request from a page of the very host that it asks. Browsers say so in headers that no page
 * can write: `Sec-Fetch-Site` over https and on localhost, `Origin` everywhere.
 */
export function isSameOrigin({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { 'sec-fetch-site': site, origin, host } = headers;
  if (site !== undefined) return site === 'same-origin';
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
