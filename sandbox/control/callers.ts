import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Config } from '../config.ts';
import { ApiError } from '../http/errors.ts';

type Reach = Pick<Config, 'host' | 'publicUrl'>;

/**
 * Refuses a control request that a page of somebody else's made a browser send. Nothing else asks who is calling here.
 *
 * A page's address becomes ours only under its own name (DNS rebinding), and that name is then in `Host`. An IP address,
 * `localhost` and a name without a dot (such as a container's) are nobody's to give away; other names are those that
 * the sandbox has been told: `SANDBOX_HOST` and `SANDBOX_PUBLIC_URL`.
 * @throws {ApiError} 403
 */
export function requireOwnCaller(request: IncomingMessage, reach: Reach): void {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  if (!isOwnName(host, reach)) throw refused(`Host ${host} is none of this sandbox's names`);
  const isElsewhere =
    origin === undefined ? site === 'cross-site' || site === 'same-site' : !isOwnOrigin(origin, host, reach);
  if (isElsewhere) throw refused('it comes from a page of another origin');
}

function isOwnName(host: string, { host: listening, publicUrl }: Reach): boolean {
  const url = URL.parse(`http://${host}`);
  if (url === null || host === '' || url.host === '' || url.pathname !== '/' || url.username !== '')
    return false;
  const name = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost')) return true;
  return name === listening || (publicUrl !== null && name === new URL(publicUrl).hostname);
}

function isOwnOrigin(origin: string, host: string, { publicUrl }: Reach): boolean {
  const url = URL.parse(origin);
  if (url === null) return false;
  return url.host === host || (publicUrl !== null && url.origin === new URL(publicUrl).origin);
}

function refused(why: string): ApiError {
  return new ApiError(403, {
    type: 'invalid_request_error',
    message: `This control request is refused: ${why}. Call it from a shell or a test, not from another site's page.`,
  });
}
