import type { Middleware } from 'koa';
import { HttpError, toError } from '../../shared/errors.ts';
import { failure } from '../../shared/http/failure.ts';
import { loggedPath } from '../../shared/http/logged-path.ts';
import type { Logger } from '../../shared/logger.ts';
import { explainDatabaseError } from './database-errors.ts';
import { explainStripeError } from './stripe-errors.ts';

/** What a client may know of an error: an {@link HttpError} tells its own words, anything else nothing of itself. */
export function publicErrorOf(thrown: unknown, requestId: string): HttpError {
  if (thrown instanceof HttpError) return thrown;
  return (
    explainStripeError(thrown) ??
    explainDatabaseError(thrown) ??
    new HttpError(
      500,
      'internal_error',
      `Something went wrong on our side. Report it with the request id ${requestId}`,
      { cause: thrown },
    )
  );
}

/** Turns whatever a route throws into the envelope; logs what is our fault with its cause. */
export function answerErrors(logger: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const { requestId } = ctx.state;
      const error = publicErrorOf(thrown, requestId);
      logFailure(logger, thrown, error, `${ctx.method} ${loggedPath(ctx.path)}`, requestId);
      ctx.status = error.status;
      ctx.set(error.headers);
      ctx.body = failure(error.message, error.code, error.data);
    }
  };
}

/** 4xx is the client's business and in the access log already; from 500 on somebody has to look. */
export function logFailure(
  logger: Logger,
  thrown: unknown,
  error: HttpError,
  what: string,
  requestId: string,
): void {
  if (error.status < 500) return;
  const level = error.status === 500 ? 'error' : 'warn';
  logger[level](
    { err: toError(thrown), requestId, code: error.code },
    `${what} failed with ${error.status} ${error.code}`,
  );
}

/** Puts the router's bare 404, 405 and 501 into the envelope. */
export function answerUnmatched(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.body !== undefined && ctx.body !== null) return;
    const { status } = ctx;
    // The router answers 501 to methods it has never heard of, on any path.
    const unknownPath = status === 404 || (status === 501 && ctx.response.get('allow') === '');
    if (unknownPath) throw HttpError.notFound('route_not_found', `There is no ${ctx.path} here`);
    if (status === 405 || status === 501) {
      // The router has set `Allow` by now, and it stays.
      throw new HttpError(405, 'method_not_allowed', `${ctx.method} is not for ${ctx.path}: see Allow`);
    }
  };
}
