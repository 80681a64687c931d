import { SECOND } from '../../shared/duration.ts';
import { AppError } from '../../shared/errors.ts';
import type { NotificationJob } from '../../shared/queues/index.ts';
import { traceHeaders } from '../../shared/tracing/index.ts';

const TIMEOUT_MS = 5 * SECOND;

/** The gateway did not take a message; it is offered again. */
export class GatewayRefused extends AppError {
  readonly status: number;

  constructor(status: number) {
    super(
      status === 401
        ? 'The gateway refused the message (401): INTERNAL_API_KEY differs between worker and gateway'
        : `The gateway did not take the message (${status})`,
    );
    this.status = status;
  }
}

/** Speaks the contract's broadcast call. Connections are kept alive by Node's own `fetch`. */
export class GatewayClient {
  readonly #url: string;
  readonly #internalKey: string;

  constructor(gatewayUrl: string, internalKey: string) {
    this.#url = `${gatewayUrl}/api/internal/websocket/broadcast`;
    this.#internalKey = internalKey;
  }

  /**
   * Hands one message to the gateway.
   * @throws {GatewayRefused} on anything but 2xx; network errors and time-outs pass through
   */
  async broadcast({ fact, type, userId, data, correlationId }: NotificationJob): Promise<void> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-internal-key': this.#internalKey,
        'x-request-id': correlationId.slice(0, 64),
        // Lets a gateway that knows the header announce once what had to be sent twice after a crash.
        // It names the fact rather than the row, whose number means nothing outside of one database.
        'idempotency-key': fact,
        ...traceHeaders(),
      },
      body: JSON.stringify({ type, user_id: String(userId), data }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
    // The body must be read, or the connection cannot be used again.
    await response.arrayBuffer();
    if (!response.ok) throw new GatewayRefused(response.status);
  }
}
