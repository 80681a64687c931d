import type { Middleware } from 'koa';
import { HttpError } from '../errors.ts';
import { addressKey } from './client-address.ts';
import { createSecretCheck } from './constant-time.ts';
import { Guesses } from './guesses.ts';

/**
 * Lets in who knows one of `INTERNAL_API_KEY`, and nobody for where they come from or what they call themselves. Who
 * guesses is soon not even compared: see {@link Guesses}.
 * @param accepted several while the key is being rotated
 * @param whose completes "This route needs the X-Internal-Key of …"
 */
export function requireInternalKey(accepted: readonly string[], whose: string): Middleware {
  const isAccepted = createSecretCheck(accepted);
  const guesses = new Guesses();
  return async (ctx, next) => {
    const given = ctx.req.headers['x-internal-key'];
    if (typeof given !== 'string' || given === '') {
      throw HttpError.unauthorized(`This route needs the X-Internal-Key of ${whose}`);
    }
    // The peer, whatever it says of others: who guesses would say something else each time.
    const isRight = await guesses.check(addressKey(ctx.req.socket.remoteAddress ?? ''), () =>
      isAccepted(given),
    );
    if (!isRight) throw HttpError.unauthorized(`This is not the X-Internal-Key of ${whose}`);
    return next();
  };
}
