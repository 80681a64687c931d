import type { StoredPaymentIntent } from '../state/tables.ts';

/** Stripe's own description of what went wrong. */
export interface ErrorBody {
  type: string;
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  charge?: string | null;
  payment_intent?: StoredPaymentIntent;
  doc_url?: string;
}

/** An answer in Stripe's error shape. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Record<string, string>;

  constructor(status: number, body: ErrorBody, headers: Record<string, string> = {}) {
    super(body.message);
    this.status = status;
    this.body = body.code
      ? { ...body, doc_url: `https://stripe.com/docs/error-codes/${body.code.replaceAll('_', '-')}` }
      : body;
    this.headers = headers;
  }

  static invalid(message: string, param?: string, code?: string): ApiError {
    return new ApiError(400, { type: 'invalid_request_error', message, param, code });
  }

  /** @param noun as Stripe says it: `No such customer: 'cus_1'` */
  static noSuch(noun: string, id: string, param = 'id', status = 404): ApiError {
    return new ApiError(status, {
      type: 'invalid_request_error',
      code: 'resource_missing',
      message: `No such ${noun}: '${id}'`,
      param,
    });
  }

  static unauthorized(message: string): ApiError {
    return new ApiError(
      401,
      { type: 'invalid_request_error', message },
      { 'WWW-Authenticate': 'Bearer realm="Stripe"' },
    );
  }

  static unknownRoute(method: string, path: string): ApiError {
    return new ApiError(404, {
      type: 'invalid_request_error',
      message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
    });
  }

  static idempotency(status: 400 | 409, message: string): ApiError {
    const type = status === 409 ? 'invalid_request_error' : 'idempotency_error';
    return new ApiError(status, { type, message, ...(status === 409 && { code: 'idempotency_key_in_use' }) });
  }

  static rateLimited(retryAfterSeconds: number): ApiError {
    return new ApiError(
      429,
      {
        type: 'invalid_request_error',
        code: 'rate_limit',
        message: 'Too many requests hit the API too quickly.',
      },
      { 'Retry-After': String(retryAfterSeconds) },
    );
  }

  static internal(status: number, said: Partial<ErrorBody> = {}): ApiError {
    return new ApiError(status, {
      type: 'api_error',
      message: 'An unknown error occurred (injected by the sandbox).',
      ...said,
    });
  }

  static card(
    message: string,
    code: string,
    declineCode: string | undefined,
    intent?: StoredPaymentIntent,
  ): ApiError {
    return new ApiError(402, {
      type: 'card_error',
      message,
      code,
      decline_code: declineCode,
      charge: intent?.latest_charge,
      payment_intent: intent,
    });
  }
}
