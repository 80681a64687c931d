import type { Middleware } from 'koa';
import { HttpError } from '../errors.ts';
import { createSecretCheck } from './constant-time.ts';

/**
 * Lets in who knows one of `INTERNAL_API_KEY`, and nobody for where they come from or what they call themselves.
 * @param accepted several while the key is being rotated
 * @param whose completes "This route needs the X-Internal-Key of …"
 */
export function requireInternalKey(accepted: readonly string[], whose: string): Middleware {
  const isAccepted = createSecretCheck(accepted);
  return (ctx, next) => {
    const given = ctx.req.headers['x-internal-key'];
    if (typeof given !== 'string' || !isAccepted(given)) {
      throw HttpError.unauthorized(`This route needs the X-Internal-Key of ${whose}`);
    }
    return next();
  };
}
