import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { SECOND } from './duration.ts';
import type { Logger } from './logger.ts';
import { slotConnector } from './redis-slot.ts';
import { atDatabase0, parseRedisUrl, type RedisTarget } from './redis-url.ts';
import { gatherWrites } from './redis-writes.ts';

/**
 * How a connection behaves while Redis is away. `failFast` answers at once with an error (HTTP requests must not
 * hang); `patient` waits for it to come back (workers have nothing better to do).
 */
export type RedisTemper = 'failFast' | 'patient';

/** A connection for the look-up of logins. */
export type LoginRedis = Redis | Cluster;

/** How the certificate of a `rediss` server is checked. */
export type RedisTls = {
  /** Authorities to trust instead of the system's, as PEM. */
  readonly ca?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
};

/** Where Redis is. A URL alone will do, unless it is a cluster's. */
export type RedisAddress = {
  /** See {@link parseRedisUrl}. */
  readonly url: string;
  readonly tls?: RedisTls | undefined;
  /** What the sentinels themselves ask for. */
  readonly sentinelPassword?: string | undefined;
  /** What all keys of a connection have in common; on a cluster it decides which node serves them. */
  readonly slotKey?: string | undefined;
};

const MAX_RECONNECT_DELAY_MS = 2 * SECOND;
const COMMAND_TIMEOUT_MS = 2 * SECOND;
/**
 * Silence after which a connection that owes an answer is given up: a machine that vanished says no goodbye, and its
 * place may have been taken long ago. Longer than BullMQ's longest blocking read (10 s) where there are any.
 */
const SILENCE_MS = { failFast: 5 * SECOND, patient: 15 * SECOND } as const;
const CLUSTER_RETRY_MS = 100;
const CLUSTER_ATTEMPTS = 5;

const reconnectDelayMs = (attempt: number): number => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS);

/**
 * Opens a connection to the server that has our keys: the one there is, the sentinels' master, or the node of a cluster
 * that owns `slotKey`.
 * @throws {Error} when the URL is none or lacks what it needs; configurations are checked before
 */
export function connectRedis(where: string | RedisAddress, temper: RedisTemper, logger: Logger): Redis {
  const address = typeof where === 'string' ? { url: where } : where;
  const target = targetOf(address);
  const options: RedisOptions = {
    ...commonOptions(target, address, temper),
    enableOfflineQueue: temper === 'patient',
    retryStrategy: reconnectDelayMs,
    // The server is not, or no longer, the one that takes our writes, and has not run the command.
    reconnectOnError: ({ message }) =>
      /^(READONLY|MOVED|CLUSTERDOWN) /.test(message) && (temper === 'patient' ? 2 : 1),
  };
  return logErrors(gatherWrites(open(target, address, options)), logger);
}

/**
 * Opens a connection to where the gateway keeps its revoked tokens: database 0, whichever the URL names, and all nodes
 * of a cluster, since these keys have nothing in common.
 */
export function connectLoginRedis(address: RedisAddress, logger: Logger): LoginRedis {
  const target = targetOf(address);
  if (target.kind !== 'cluster') {
    return connectRedis({ ...address, url: atDatabase0(address.url) }, 'failFast', logger);
  }
  const { nodes, username, password, tls } = target;
  const cluster = new Cluster([...nodes], {
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelayMs,
    maxRedirections: CLUSTER_ATTEMPTS,
    retryDelayOnFailover: CLUSTER_RETRY_MS,
    retryDelayOnClusterDown: CLUSTER_RETRY_MS,
    slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
    // Names stay names under TLS: the certificate is for the name, not for what it resolves to.
    ...(tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
    redisOptions: { ...commonOptions(target, address, 'failFast'), username, password },
  });
  return logErrors(cluster, logger);
}

function open(target: RedisTarget, address: RedisAddress, options: RedisOptions): Redis {
  if (target.kind === 'server') return new Redis(target.url, options);
  const { username, password } = target;
  if (target.kind === 'cluster') {
    if (address.slotKey === undefined) throw new Error('On a cluster a connection needs a slotKey');
    return new Redis({
      ...options,
      username,
      password,
      Connector: slotConnector(target.nodes, address.slotKey),
    });
  }
  return new Redis({
    ...options,
    username,
    password,
    sentinels: [...target.sentinels],
    name: target.name,
    db: target.database,
    sentinelPassword: address.sentinelPassword,
    sentinelRetryStrategy: reconnectDelayMs,
    // Not ioredis' failoverDetector: a failover it notices while connecting ends the connection for good.
    ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: { ...address.tls } } : {}),
  });
}

function commonOptions(
  { tls }: RedisTarget,
  address: RedisAddress,
  temper: RedisTemper,
): Pick<
  RedisOptions,
  'connectTimeout' | 'socketTimeout' | 'tls' | 'maxRetriesPerRequest' | 'commandTimeout'
> {
  return {
    connectTimeout: 5 * SECOND,
    socketTimeout: SILENCE_MS[temper],
    ...(tls ? { tls: { ...address.tls } } : {}),
    ...(temper === 'failFast'
      ? { maxRetriesPerRequest: 0, commandTimeout: COMMAND_TIMEOUT_MS }
      : { maxRetriesPerRequest: null }),
  };
}

function targetOf({ url }: RedisAddress): RedisTarget {
  const target = parseRedisUrl(url);
  if (target === undefined) throw new Error('Not a Redis URL');
  return target;
}

function logErrors<C extends LoginRedis>(connection: C, logger: Logger): C {
  connection.on('error', (error: Error) => {
    logger.warn({ err: error }, 'Redis connection failed; it is tried again');
  });
  return connection;
}
