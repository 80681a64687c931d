import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { SECOND } from '../shared/duration.ts';
import { type ConnectionLimits, createBoundedServer } from '../shared/http/bounded-server.ts';

/** Answers a request; resolves when no more is done for it, also where its client has gone. */
export type Answerer = (request: IncomingMessage, response: ServerResponse) => Promise<unknown> | undefined;

/** What connections may take, and how long stopping may. Durations in milliseconds. */
export type ServerLimits = ConnectionLimits & {
  /** How long `close` keeps connections that nothing happens on: the next request may be on its way already. */
  goodbyeMs: number;
  /** How long `close` lets requests in hand finish. */
  drainMs: number;
};

export const DEFAULT_LIMITS: Readonly<ServerLimits> = Object.freeze({
  headersTimeoutMs: 10 * SECOND,
  requestTimeoutMs: 20 * SECOND,
  keepAliveTimeoutMs: 95 * SECOND,
  maxConnections: 4_096,
  goodbyeMs: SECOND,
  drainMs: 12 * SECOND,
});

/** The HTTP server of the web process: bounded against slow clients, and stopped without dropping a request. */
export class WebServer {
  readonly #server: Server;
  readonly #address: { port: number; host: string };
  readonly #limits: Readonly<ServerLimits>;
  /** What is being done for requests; the client may have hung up, and the work goes on. */
  readonly #inHand = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(
    answer: Answerer,
    address: { port: number; host: string },
    limits: Readonly<ServerLimits> = DEFAULT_LIMITS,
  ) {
    this.#address = address;
    this.#limits = limits;
    this.#server = createBoundedServer(limits, (request, response) => {
      if (this.#stopping) response.setHeader('connection', 'close');
      const work = Promise.resolve(answer(request, response)).finally(() => this.#inHand.delete(work));
      this.#inHand.add(work);
    });
  }

  /** @returns the port it listens on */
  async listen(): Promise<number> {
    this.#server.listen(this.#address.port, this.#address.host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Takes no new connections, finishes the requests in hand, and cuts off what has not ended after `drainMs`. Each
   * answer from here on is the last of its connection, so that whoever keeps one open has time to hear of it: on a
   * connection closed under a request, a proxy can only guess whether the request was acted on.
   */
  async close(): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return;
    const { goodbyeMs, drainMs } = this.#limits;
    const closed = once(this.#server, 'close');
    // Only ends listening. An HTTP server's own way to close cuts idle connections at once.
    NetServer.prototype.close.call(this.#server);
    let sweep: NodeJS.Timeout | undefined;
    const goodbye = setTimeout(() => {
      this.#server.closeIdleConnections();
      sweep = setInterval(() => this.#server.closeIdleConnections(), 50);
    }, goodbyeMs);
    const stopWaiting = Promise.withResolvers<void>();
    const cut = setTimeout(() => {
      this.#server.closeAllConnections();
      stopWaiting.resolve();
    }, drainMs);
    await closed;
    await Promise.race([Promise.allSettled(this.#inHand), stopWaiting.promise]);
    for (const timer of [goodbye, sweep, cut]) clearTimeout(timer);
  }
}
