import { SECOND } from '../shared/duration.ts';
import type { ConnectionLimits } from '../shared/http/bounded-server.ts';
import { BODY_PACE } from '../shared/http/read-body.ts';

const KIB = 1_024;

/** What one gateway process puts up with. Names carry the unit; `createGateway` takes other values for each. */
export type Limits = ConnectionLimits & {
  /** Largest frame a browser may send; a larger one closes its socket (1009). */
  maxFrameBytes: number;
  /** Channels one socket may be subscribed to. */
  maxChannelsPerConnection: number;
  /** Frames a browser may send in one go, pings and pongs of the protocol included; see {@link framesPerSecond}. */
  frameBurst: number;
  /** Frames a browser may send in the long run; whoever sends more is disconnected (1008). */
  framesPerSecond: number;
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
  /**
   * Between two pings of a socket: one that did not answer the last ping is dead, and one whose login was revoked
   * meanwhile is closed.
   */
  socketHeartbeatMs: number;
  /** Between two signs of life of this process in Redis. */
  presenceHeartbeatMs: number;
  /** How long a process that was killed still counts its users as online. */
  presenceTtlMs: number;
  /** How long a proxied body may stop in the middle before its request is answered with 408. */
  bodyIdleMs: number;
  /** Silence of the service after which a proxied request is answered with 504. */
  proxyTimeoutMs: number;
  /** For opening a connection to the service. */
  proxyConnectTimeoutMs: number;
  /** How long `listen` waits for the Redis subscription before it serves without. */
  startWaitMs: number;
  /** How long a socket has to answer our goodbye before it is cut off. */
  socketGoodbyeMs: number;
  /** How long `close` lets requests in flight finish. */
  drainMs: number;
};

export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  maxFrameBytes: 16 * KIB,
  maxChannelsPerConnection: 50,
  frameBurst: 100,
  framesPerSecond: 10,
  maxConnectionsPerUser: 50,
  maxBufferedBytes: 1_024 * KIB,
  maxInternalBodyBytes: 64 * KIB,
  maxPendingBroadcasts: 1_000,
  maxBulkUsers: 1_000,
  socketHeartbeatMs: 30 * SECOND,
  presenceHeartbeatMs: 10 * SECOND,
  presenceTtlMs: 30 * SECOND,
  headersTimeoutMs: 15 * SECOND,
  requestTimeoutMs: 60 * SECOND,
  keepAliveTimeoutMs: 95 * SECOND,
  maxConnections: 10_000,
  bodyIdleMs: BODY_PACE.idleMs,
  proxyTimeoutMs: 30 * SECOND,
  proxyConnectTimeoutMs: 5 * SECOND,
  startWaitMs: 3 * SECOND,
  socketGoodbyeMs: 2 * SECOND,
  drainMs: 10 * SECOND,
});
