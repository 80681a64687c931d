import { createHash, timingSafeEqual } from 'node:crypto';
import type { Middleware } from 'koa';
import { HttpError } from '../shared/errors.ts';

/** Lets in who knows `INTERNAL_API_KEY`, and nobody for where they come from or what they call themselves. */
export function requireInternalKey(expected: string): Middleware {
  const expectedDigest = digest(expected);
  return (ctx, next) => {
    const given = ctx.req.headers['x-internal-key'];
    // Digests have one length, so that comparing takes the same time whatever was sent.
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), expectedDigest)) {
      throw HttpError.unauthorized('This route needs the X-Internal-Key of the gateway');
    }
    return next();
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
