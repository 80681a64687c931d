import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../shared/clock.ts';
import { createBoundedServer } from '../shared/http/bounded-server.ts';
import type { Logger } from '../shared/logger.ts';
import { createRevocationCheck, verifyLoginToken } from '../shared/login-token.ts';
import { connectLoginRedis, connectRedis } from '../shared/redis.ts';
import { atDatabase0 } from '../shared/redis-url.ts';
import { createApp } from './app.ts';
import { Bus } from './bus.ts';
import type { GatewayConfig } from './config.ts';
import { CLOSE } from './connection.ts';
import { Heartbeat } from './heartbeat.ts';
import { Hub } from './hub.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { createLoginCheck } from './login.ts';
import { Presence } from './presence.ts';
import { createProxy } from './proxy.ts';
import { createUpgradeHandler, wantsWebSocket } from './upgrade.ts';

export type GatewayDeps = {
  config: Omit<GatewayConfig, 'logging'>;
  logger: Logger;
  clock?: Clock;
  /** Overrides of {@link DEFAULT_LIMITS}. */
  limits?: Partial<Limits>;
};

export type Gateway = {
  /** The HTTP server, for whoever wants to watch it. */
  readonly server: Server;
  /**
   * Connects to Redis, listens, and resolves with the port once the other gateways can be heard, or after a few
   * seconds without them: the webhook must get through even while Redis is away.
   */
  listen(): Promise<number>;
  /**
   * Stops cleanly in bounded time: refuses new work, closes sockets with 1001, finishes requests in flight, goes
   * offline. Safe to call twice.
   */
  close(): Promise<void>;
};

/** Builds a gateway process. Nothing is opened before `listen`, except the connections to Redis. */
export function createGateway({
  config,
  logger,
  clock = systemClock,
  limits: overrides,
}: GatewayDeps): Gateway {
  const limits: Limits = { ...DEFAULT_LIMITS, ...overrides };
  const processId = randomUUID();
  // Pub/sub knows no databases, so that the one with the revoked tokens serves for everything.
  const { keyPrefix } = config.redis;
  const redisAddress = { ...config.redis, url: atDatabase0(config.redis.url) };
  const commands = connectRedis(redisAddress, 'failFast', logger);
  const subscriber = connectRedis(redisAddress, 'patient', logger);
  const logins = connectLoginRedis(redisAddress, logger);

  const presence = new Presence({
    commands,
    keyPrefix,
    processId,
    localUsers: () => hub.users(),
    heartbeatMs: limits.presenceHeartbeatMs,
    ttlMs: limits.presenceTtlMs,
    logger,
  });
  const hub = new Hub(presence);
  const bus = new Bus({
    commands,
    subscriber,
    keyPrefix,
    processId,
    deliver: ({ address, frame }) => hub.deliver(address, frame),
    maxPending: limits.maxPendingBroadcasts,
    logger,
  });
  const proxy = createProxy({
    serviceUrls: config.paiementsService.urls,
    timeoutMs: limits.proxyTimeoutMs,
    connectTimeoutMs: limits.proxyConnectTimeoutMs,
    bodyIdleMs: limits.bodyIdleMs,
  });
  const allowedOrigins = config.origins;
  const tokens = { secrets: config.jwt.secrets, isRevoked: createRevocationCheck(logins), clock };
  const login = createLoginCheck(tokens, allowedOrigins);
  let stopping = false;
  const isStopping = (): boolean => stopping;
  const app = createApp({
    proxy,
    login,
    allowedOrigins,
    internalKeys: config.internalKey.accepted,
    hub,
    bus,
    presence,
    limits,
    logger,
    isStopping,
  });
  const server = createBoundedServer(limits, app.callback(), { shouldUpgradeCallback: wantsWebSocket });
  const upgrade = createUpgradeHandler({
    hub,
    limits,
    clock,
    logger,
    login,
    allowedOrigins,
    isStopping,
    channels: new Set(config.channels),
    verifyLogin: (token) => verifyLoginToken(token, tokens),
  });
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  const heartbeat = new Heartbeat(hub, limits.socketHeartbeatMs);

  async function listen(): Promise<number> {
    bus.start();
    presence.start();
    heartbeat.start();
    await bus.untilSubscribed(limits.startWaitMs);
    if (stopping) throw new Error('The gateway was closed before it listened');
    server.listen(config.listening.port, config.listening.host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    stopping = true;
    heartbeat.stop();
    await closeServer(server, hub, limits);
    await presence.stop().catch((error) => logger.warn({ err: error }, 'Redis was not told that we stop'));
    bus.stop();
    proxy.close();
    // Everything was answered or given up by now: there is nothing to wait for.
    commands.disconnect();
    subscriber.disconnect();
    logins.disconnect();
  }

  let closing: Promise<void> | undefined;
  return {
    server,
    listen,
    close: () => {
      closing ??= stop();
      return closing;
    },
  };
}

/** Resolves when the last connection has ended: by itself, or after the limits cut it off. */
function closeServer(server: Server, hub: Hub, limits: Limits): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    // A connection whose answer began before the stop stays open for the next request; nobody may send one.
    const sweep = setInterval(() => server.closeIdleConnections(), 100);
    const cutSockets = setTimeout(() => {
      for (const connection of hub.connections()) connection.terminate();
    }, limits.socketGoodbyeMs);
    const cutRequests = setTimeout(() => server.closeAllConnections(), limits.drainMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cutSockets);
      clearTimeout(cutRequests);
      resolve();
    });
    for (const connection of hub.connections()) connection.close(CLOSE.goingAway, 'the gateway is stopping');
  });
}
