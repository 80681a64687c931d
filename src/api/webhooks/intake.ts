import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from '../../shared/errors.ts';
import { failure } from '../../shared/http/failure.ts';
import { holdBody, requireLength } from '../../shared/http/read-body.ts';
import { requestIdOf } from '../../shared/http/request-id.ts';
import { countAccepted, countRejected } from '../../shared/metrics/webhooks.ts';
import { createSampledWarning } from '../../shared/sampled-warnings.ts';
import type { WebDeps } from '../deps.ts';
import { logFailure, publicErrorOf } from '../middleware/errors.ts';
import { createKeepEvent } from './keep-event.ts';
import { isThin, parseEvent } from './parse-event.ts';
import { createSignatureCheck } from './signature.ts';

/**
 * Several times what Stripe sends: an event holds one object, whose lists end after ten entries and whose metadata
 * after fifty of 500 characters. Each is held here, in Redis and by a worker at once, so that more room is only more
 * for others to fill.
 */
const MAX_EVENT_BYTES = 512 * 1_024;
const RECEIVED = JSON.stringify({ received: true });
const PATH = '/api/stripe/webhook';

/** Whether a request is for the intake, by its raw URL. */
export function isWebhookPath(url: string | undefined): boolean {
  if (url === PATH) return true;
  if (!url?.startsWith(PATH)) return false;
  const rest = url.slice(PATH.length);
  return rest === '/' || rest.startsWith('?') || rest.startsWith('/?');
}

/**
 * Stripe's way in: verify, enqueue, 200. What cannot be signed is refused before its body is read. It stands before the routes' middleware because it takes thousands of
 * requests a second and every one of them shares a core with the rest; keep it lean.
 */
export function createWebhookIntake(
  deps: WebDeps,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { logger, config, clock } = deps;
  const signature = createSignatureCheck({
    secrets: config.webhook.secrets,
    webhooks: deps.stripe.webhooks,
    clock,
  });
  const keep = createKeepEvent(deps);
  const warn = createSampledWarning(logger);

  return async (request, response) => {
    const requestId = requestIdOf(request.headers['x-request-id']);
    try {
      if (request.method !== 'POST') throw methodNotAllowed();
      requireLength(request, MAX_EVENT_BYTES);
      const header = signature.requireHeader(request.headers['stripe-signature']);
      const body = await holdBody(request, { maxBytes: MAX_EVENT_BYTES });
      try {
        await take(body.bytes, header, requestId);
      } finally {
        body.release();
      }
      send(response, 200, RECEIVED, requestId);
    } catch (thrown) {
      refuse(response, thrown, requestId);
    }
  };

  async function take(body: Buffer, header: string, requestId: string): Promise<void> {
    const payload = textOf(body);
    signature.requireSignature(payload, header);
    const event = parseEvent(payload);
    if (isThin(event)) {
      countAccepted('nowhere');
      logger.info({ eventId: event.id, eventType: event.type, requestId }, 'Ignored a thin event');
    } else {
      await keep(event, payload, requestId);
      logger.debug({ eventId: event.id, eventType: event.type, requestId }, 'Accepted an event');
    }
  }

  function refuse(response: ServerResponse, thrown: unknown, requestId: string): void {
    const error = publicErrorOf(thrown, requestId);
    countRejected(error.code);
    logFailure(logger, thrown, error, 'The webhook', requestId);
    if (error.status < 500) {
      const { code, status } = error;
      warn(code, { code, status, requestId }, `Refused a webhook: ${code}`);
    }
    send(
      response,
      error.status,
      JSON.stringify(failure(error.message, error.code)),
      requestId,
      error.headers,
    );
  }
}

/** Signatures are over bytes; text that lost some on the way would be another payload. */
function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw HttpError.badRequest('invalid_encoding', 'The body is not UTF-8');
  return body.toString('utf8');
}

function methodNotAllowed(): HttpError {
  return new HttpError(405, 'method_not_allowed', 'Webhooks are sent with POST', {
    headers: { allow: 'POST' },
  });
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  requestId: string,
  headers?: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...headers,
  });
  response.end(body);
}
