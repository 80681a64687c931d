/**
 * The service's error tree. An error's type decides what happens to it:
 * {@link HttpError} reaches a client, {@link PermanentError} ends a job without retries,
 * everything else is transient and is tried again.
 */
export class AppError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Raised at start when the environment cannot be used; the message names every problem at once. */
export class ConfigError extends AppError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Cannot start, fix the environment first:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Something a client is told: an HTTP status, a machine word and a sentence with the remedy. */
export class HttpError extends AppError {
  readonly status: number;
  readonly code: string;
  /** Extra response headers, for example `Retry-After` (seconds). */
  readonly headers: Readonly<Record<string, string>>;
  /** What the client needs for the remedy, such as an address. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    options: ErrorOptions & { headers?: Record<string, string>; data?: Record<string, unknown> } = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.data = options.data;
  }

  static badRequest(code: string, message: string): HttpError {
    return new HttpError(400, code, message);
  }

  static unauthorized(message: string): HttpError {
    return new HttpError(401, 'unauthorized', message);
  }

  static notFound(code: string, message: string): HttpError {
    return new HttpError(404, code, message);
  }

  static conflict(code: string, message: string): HttpError {
    return new HttpError(409, code, message);
  }

  /** @param retryAfterSeconds sent as `Retry-After` */
  static tooManyRequests(message: string, retryAfterSeconds: number): HttpError {
    return new HttpError(429, 'too_many_requests', message, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }

  /** @param retryAfterSeconds sent as `Retry-After` */
  static unavailable(code: string, message: string, retryAfterSeconds: number, cause?: unknown): HttpError {
    return new HttpError(503, code, message, {
      cause,
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

/** A job that can never succeed as it is; it goes straight to failed with this reason. */
export class PermanentError extends AppError {}

/** Turns any thrown value into an `Error`, once. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
