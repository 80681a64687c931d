import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SECOND } from '../shared/duration.ts';

/** What one connection may take. Durations in milliseconds. */
export type ServerLimits = {
  /** For all headers of a request to arrive. */
  headersTimeoutMs: number;
  /** For a whole request to arrive, body included; a slower one is answered 408 and cut off. */
  requestTimeoutMs: number;
  /** Longer than a proxy's idle time, so that it is the proxy that closes and no request meets a closing socket. */
  keepAliveTimeoutMs: number;
  /** How long `close` lets requests in hand finish. */
  drainMs: number;
};

export const DEFAULT_LIMITS: Readonly<ServerLimits> = Object.freeze({
  headersTimeoutMs: 10 * SECOND,
  requestTimeoutMs: 20 * SECOND,
  keepAliveTimeoutMs: 95 * SECOND,
  drainMs: 12 * SECOND,
});

/** The HTTP server of the web process: bounded against slow clients, and stopped without dropping a request. */
export class WebServer {
  readonly #server: Server;
  readonly #address: { port: number; host: string };
  readonly #drainMs: number;
  #stopping = false;

  constructor(
    listener: RequestListener,
    address: { port: number; host: string },
    limits: Readonly<ServerLimits> = DEFAULT_LIMITS,
  ) {
    this.#address = address;
    this.#drainMs = limits.drainMs;
    this.#server = createServer(
      {
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveTimeoutMs,
        connectionsCheckingInterval: Math.min(2 * SECOND, limits.requestTimeoutMs / 2),
      },
      (request, response) => {
        if (this.#stopping) response.setHeader('connection', 'close');
        listener(request, response);
      },
    );
  }

  /** @returns the port it listens on */
  async listen(): Promise<number> {
    this.#server.listen(this.#address.port, this.#address.host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no new connections, finishes the requests in hand, and cuts off what has not ended after `drainMs`. */
  async close(): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    // A connection whose answer began before the stop stays open for the next request; there will be none.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), 50);
    const cut = setTimeout(() => this.#server.closeAllConnections(), this.#drainMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
