import { createHash, timingSafeEqual } from 'node:crypto';
import type { Middleware } from 'koa';
import { HttpError } from '../../shared/errors.ts';

/** Lets in who knows `INTERNAL_API_KEY`; without one configured nobody comes in. */
export function requireAdmin(key: string | undefined): Middleware {
  if (key === undefined) return refuseEverybody;
  const expected = digest(key);
  return (ctx, next) => {
    const given = ctx.req.headers['x-internal-key'];
    // Digests have one length, so that comparing takes the same time whatever was sent.
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), expected)) {
      throw HttpError.unauthorized('This route needs the X-Internal-Key of this installation');
    }
    return next();
  };
}

function refuseEverybody(): never {
  throw new HttpError(503, 'admin_disabled', 'Admin routes are off: set INTERNAL_API_KEY and restart');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
