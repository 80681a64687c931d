import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { SECOND } from './duration.ts';
import type { Logger } from './logger.ts';
import { atDatabase0, parseRedisUrl, type RedisTarget } from './redis-url.ts';

/**
 * How a connection behaves while Redis is away. `failFast` answers at once with an error (HTTP requests must not
 * hang); `patient` waits for it to come back (workers have nothing better to do).
 */
export type RedisTemper = 'failFast' | 'patient';

/** A connection to one server, to the master that sentinels name, or to a cluster. They take the same commands. */
export type RedisClient = Redis | Cluster;

/** How the certificate of a `rediss` server is checked. */
export type RedisTls = {
  /** Authorities to trust instead of the system's, as PEM. */
  readonly ca?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
};

/** Where Redis is. A URL alone will do. */
export type RedisAddress = {
  /** See {@link parseRedisUrl}. */
  readonly url: string;
  readonly tls?: RedisTls | undefined;
  /** What the sentinels themselves ask for. */
  readonly sentinelPassword?: string | undefined;
};

const MAX_RECONNECT_DELAY_MS = 2 * SECOND;
const COMMAND_TIMEOUT_MS = 2 * SECOND;

/** Between two attempts at a command while a cluster looks for a new master, and how many. */
const CLUSTER_RETRY_MS = 100;
/** A request gives up as soon as its database fallback should have been tried. */
const FAIL_FAST_ATTEMPTS = 5;
/** About a minute, several times what a failover takes. */
const PATIENT_ATTEMPTS = 600;

/** Between two attempts to connect, in milliseconds. */
export const reconnectDelayMs = (attempt: number): number => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS);

/**
 * Opens a connection.
 * @throws {Error} when the URL is none; configurations are checked before
 */
export function connectRedis(where: string | RedisAddress, temper: RedisTemper, logger: Logger): RedisClient {
  const address = typeof where === 'string' ? { url: where } : where;
  const target = parseRedisUrl(address.url);
  if (target === undefined) throw new Error('Not a Redis URL');
  const connection = open(target, address, temper);
  connection.on('error', (error) => {
    logger.warn({ err: error }, 'Redis connection failed; it is tried again');
  });
  return connection;
}

/** Opens a connection to database 0, where the gateway keeps its revoked tokens, whichever the URL names. */
export function connectLoginRedis(address: RedisAddress, temper: RedisTemper, logger: Logger): RedisClient {
  return connectRedis({ ...address, url: atDatabase0(address.url) }, temper, logger);
}

function open(target: RedisTarget, address: RedisAddress, temper: RedisTemper): RedisClient {
  const common: RedisOptions = {
    connectTimeout: 5 * SECOND,
    ...(target.tls ? { tls: { ...address.tls } } : {}),
    ...(temper === 'failFast'
      ? { maxRetriesPerRequest: 0, commandTimeout: COMMAND_TIMEOUT_MS }
      : { maxRetriesPerRequest: null }),
  };
  if (target.kind === 'cluster')
    return new Cluster([...target.nodes], clusterOptions(target, common, temper));
  const options: RedisOptions = {
    ...common,
    enableOfflineQueue: temper === 'patient',
    retryStrategy: reconnectDelayMs,
    // A server that takes no writes was made a replica. Another is master now, or has its name; the command was not run.
    reconnectOnError: (error) => error.message.startsWith('READONLY') && (temper === 'patient' ? 2 : 1),
  };
  if (target.kind === 'server') return new Redis(target.url, options);
  return new Redis({
    ...options,
    sentinels: [...target.sentinels],
    name: target.name,
    db: target.database,
    username: target.username,
    password: target.password,
    sentinelPassword: address.sentinelPassword,
    sentinelRetryStrategy: reconnectDelayMs,
    sentinelReconnectStrategy: reconnectDelayMs,
    // Leaves a master that fell silent as soon as the sentinels have named another.
    failoverDetector: true,
    ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: { ...address.tls } } : {}),
  });
}

function clusterOptions(
  { username, password, tls }: Extract<RedisTarget, { kind: 'cluster' }>,
  common: RedisOptions,
  temper: RedisTemper,
): ClusterOptions {
  return {
    enableOfflineQueue: temper === 'patient',
    clusterRetryStrategy: reconnectDelayMs,
    maxRedirections: temper === 'patient' ? PATIENT_ATTEMPTS : FAIL_FAST_ATTEMPTS,
    retryDelayOnFailover: CLUSTER_RETRY_MS,
    retryDelayOnClusterDown: CLUSTER_RETRY_MS,
    slotsRefreshTimeout: 2 * SECOND,
    // Names stay names under TLS: the certificate is for the name, not for what it resolves to.
    ...(tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
    redisOptions: { ...common, username, password },
  };
}
