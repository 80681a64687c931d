import type { Middleware } from 'koa';
import { HttpError, toError } from '../shared/errors.ts';
import { type Failure, failure } from '../shared/http/failure.ts';
import { loggedPath } from '../shared/http/logged-path.ts';
import type { Logger } from '../shared/logger.ts';

/** What a client may know of an error: an {@link HttpError} tells its own words, anything else nothing. */
export function publicErrorOf(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  return new HttpError(500, 'internal', 'Something went wrong in the gateway: try again later', {
    cause: thrown,
  });
}

export function envelopeOf(error: HttpError): Failure {
  return failure(error.message, error.code);
}

/** Turns whatever a route throws into the envelope; logs what is our fault. */
export function answerErrors(logger: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = publicErrorOf(thrown);
      if (error.status >= 500) {
        const path = loggedPath(ctx.path);
        logger.warn(
          { err: toError(thrown), path, requestId: ctx.state.requestId, code: error.code },
          `${ctx.method} ${path} failed with ${error.status}`,
        );
      }
      ctx.respond = true;
      ctx.status = error.status;
      ctx.set(error.headers);
      ctx.body = envelopeOf(error);
    }
  };
}

/** The last stop: whatever no route took. */
export function answerNotFound(): Middleware {
  return () => {
    throw HttpError.notFound('route_not_found', 'The gateway has no such route');
  };
}
