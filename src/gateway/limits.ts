import { SECOND } from '../shared/duration.ts';

const KIB = 1_024;

/** What one gateway process puts up with. Names carry the unit; `createGateway` takes other values for each. */
export type Limits = {
  /** Largest frame a browser may send; a larger one closes its socket (1009). */
  maxFrameBytes: number;
  /** Channels one socket may be subscribed to. */
  maxChannelsPerConnection: number;
  /** Sockets one user may hold on this process; one more is refused with 429. */
  maxConnectionsPerUser: number;
  /** Unsent bytes at which a socket that reads too slowly is cut off. */
  maxBufferedBytes: number;
  /** Largest body of an internal request. */
  maxInternalBodyBytes: number;
  /** Broadcasts on their way to Redis at once; one more is refused with 503. */
  maxPendingBroadcasts: number;
  /** Users in one bulk online-status request. */
  maxBulkUsers: number;
  /** Between two pings of a socket; one that did not answer the last ping is dead. */
  socketHeartbeatMs: number;
  /** Between two signs of life of this process in Redis. */
  presenceHeartbeatMs: number;
  /** How long a process that was killed still counts its users as online. */
  presenceTtlMs: number;
  /**
   * How long a client's connection stays open between two requests. Longer than a proxy's idle time, so that it is
   * the proxy that closes and no request meets a closing socket.
   */
  keepAliveTimeoutMs: number;
  /** Silence of the service after which a proxied request is answered with 504. */
  proxyTimeoutMs: number;
  /** For opening a connection to the service. */
  proxyConnectTimeoutMs: number;
  /** How long `listen` waits for the Redis subscription before it serves without. */
  startWaitMs: number;
  /** How long `close` lets sockets say goodbye. */
  socketGoodbyeMs: number;
  /** How long `close` lets requests in flight finish. */
  drainMs: number;
};

export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  maxFrameBytes: 16 * KIB,
  maxChannelsPerConnection: 50,
  maxConnectionsPerUser: 50,
  maxBufferedBytes: 1_024 * KIB,
  maxInternalBodyBytes: 64 * KIB,
  maxPendingBroadcasts: 1_000,
  maxBulkUsers: 1_000,
  socketHeartbeatMs: 30 * SECOND,
  presenceHeartbeatMs: 10 * SECOND,
  presenceTtlMs: 30 * SECOND,
  keepAliveTimeoutMs: 95 * SECOND,
  proxyTimeoutMs: 30 * SECOND,
  proxyConnectTimeoutMs: 5 * SECOND,
  startWaitMs: 3 * SECOND,
  socketGoodbyeMs: 2 * SECOND,
  drainMs: 10 * SECOND,
});
