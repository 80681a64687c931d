import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { announcedData } from '../../shared/announced-data.ts';
import { SECOND } from '../../shared/duration.ts';
import { AppError } from '../../shared/errors.ts';
import type { NotificationJob } from '../../shared/queues/index.ts';
import { traceHeaders } from '../../shared/tracing/index.ts';

const TIMEOUT_MS = 5 * SECOND;

/** The gateway did not take a message; it is offered again. */
export class GatewayRefused extends AppError {
  readonly status: number;
  /** What its `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, retryAfterMs?: number) {
    super(
      status === 401
        ? 'The gateway refused the message (401): INTERNAL_API_KEY differs between worker and gateway'
        : `The gateway did not take the message (${status})`,
    );
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether it refuses everybody for now (its limiter, or its channel is full), and not this message. */
  get isForAll(): boolean {
    return this.status === 429 || this.status === 503;
  }
}

/** Connections to the gateway at most, kept alive. */
export const MOST_CONNECTIONS = 50;

/** Speaks the contract's broadcast call. Not with `fetch`, whose streams and headers cost a worker more than all this. */
export class GatewayClient {
  readonly #url: URL;
  readonly #internalKey: string;
  readonly #request: typeof httpRequest;
  readonly #agent: HttpAgent;

  constructor(gatewayUrl: string, internalKey: string) {
    this.#url = new URL(`${gatewayUrl}/api/internal/websocket/broadcast`);
    this.#internalKey = internalKey;
    const options = { keepAlive: true, maxSockets: MOST_CONNECTIONS };
    const isSecure = this.#url.protocol === 'https:';
    this.#request = isSecure ? httpsRequest : httpRequest;
    this.#agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * Hands one message to the gateway.
   * @throws {GatewayRefused} on anything but 2xx; network errors and time-outs pass through
   */
  async broadcast({ outboxId, fact, type, userId, data, correlationId }: NotificationJob): Promise<void> {
    // The id is within `data`: Matcha's gateway passes on `type`, `user_id` and `data` and nothing else.
    const body = JSON.stringify({ type, user_id: String(userId), data: announcedData(outboxId, data) });
    const { statusCode = 0, headers } = await this.#post(body, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-internal-key': this.#internalKey,
      'x-request-id': correlationId.slice(0, 64),
      // Lets a gateway that knows the header announce once what had to be sent twice after a crash.
      // It names the fact rather than the row, whose number means nothing outside of one database.
      'idempotency-key': fact,
      ...traceHeaders(),
    });
    if (statusCode < 200 || statusCode > 299) {
      throw new GatewayRefused(statusCode, retryAfterMs(headers['retry-after']));
    }
  }

  /** @returns the answer, once all of it has come: only then can its connection be used again */
  #post(body: string, headers: Record<string, string | number>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#request(
        this.#url,
        { method: 'POST', headers, agent: this.#agent },
        (response) => {
          response.on('error', reject);
          response.on('end', () => resolve(response));
          response.resume();
        },
      );
      const timer = setTimeout(
        () => request.destroy(new AppError(`The gateway did not answer within ${TIMEOUT_MS} ms`)),
        TIMEOUT_MS,
      );
      request.on('error', reject);
      request.on('close', () => clearTimeout(timer));
      request.end(body);
    });
  }
}

/** @param header seconds, or an HTTP date */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * SECOND : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? ms : undefined;
}
