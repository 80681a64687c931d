import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { SECOND } from '../duration.ts';

/** What a server takes from its connections. Durations in milliseconds. */
export type ConnectionLimits = {
  /** For all headers of a request to arrive; a connection that says nothing counts as well. */
  headersTimeoutMs: number;
  /** For a whole request to arrive, body included; a slower one is answered 408 and cut off. */
  requestTimeoutMs: number;
  /**
   * How long a connection stays open between two requests. Longer than a proxy's idle time, so that it is the proxy
   * that closes and no request meets a closing connection.
   */
  keepAliveTimeoutMs: number;
  /** Connections at once; one more is closed as it comes. */
  maxConnections: number;
};

/** Requests of one connection that wait for their answers. Proxies and browsers send one at a time. */
const MAX_PIPELINED = 16;

/** How late a timeout may be noticed. Node looks every 30 s unless told otherwise. */
const CHECK_EVERY_MS = SECOND;

/** An HTTP server that no number of slow or greedy clients makes keep more than its limits say. */
export function createBoundedServer(
  limits: Readonly<ConnectionLimits>,
  listener: RequestListener,
  options: ServerOptions = {},
): Server {
  const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, maxConnections } = limits;
  const waiting = new WeakMap<Socket, number>();
  const server = createServer(
    {
      ...options,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, headersTimeoutMs / 2, requestTimeoutMs / 2),
    },
    (request, response) => {
      const { socket } = request;
      const before = waiting.get(socket) ?? 0;
      // Node hands out what is pipelined at once, however much it is.
      if (before >= MAX_PIPELINED) return void socket.destroy();
      waiting.set(socket, before + 1);
      response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
      return listener(request, response);
    },
  );
  server.maxConnections = maxConnections;
  return server;
}
