import { createConnection } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './logger.ts';
import { reconnectDelayMs } from './redis.ts';

const OWNER_UNKNOWN_RETRY_MS = 100;
const GOODBYE_MS = 2_000;

/**
 * Opens a patient connection to the node of a cluster that owns a key, also after the key has moved: each time it
 * connects it asks again. For subscribers: `PUBSUB NUMSUB` counts those of one node, and a script that runs where the
 * key is can only see them there.
 * @param cluster tells who the owner is, and how its nodes are entered
 */
export function connectSlotOwner(cluster: Cluster, key: string, logger: Logger): Redis {
  const { commandTimeout: _ofRequests, ...entry } = cluster.options.redisOptions ?? {};
  const connection = new Redis({
    ...entry,
    maxRetriesPerRequest: null,
    retryStrategy: reconnectDelayMs,
    Connector: connectorTo(() => ownerOf(cluster, key)),
  });
  connection.on('error', (error) => {
    logger.warn({ err: error }, 'Redis connection failed; it is tried again');
  });
  return connection;
}

/** @returns undefined while the cluster does not know */
async function ownerOf(cluster: Cluster, key: string): Promise<{ host: string; port: number } | undefined> {
  try {
    const slot = await cluster.cluster('KEYSLOT', key);
    const [, host, port] = /^(.*):(\d+)$/.exec(cluster.slots[Number(slot)]?.[0] ?? '') ?? [];
    return host === undefined ? undefined : { host, port: Number(port) };
  } catch {
    return undefined;
  }
}

function connectorTo(owner: () => ReturnType<typeof ownerOf>) {
  return class OwnerConnector extends AbstractConnector {
    readonly #tls: RedisOptions['tls'];

    constructor(options: unknown) {
      super(GOODBYE_MS);
      this.#tls = (options as RedisOptions).tls;
    }

    /** Waits for an owner to be known: ioredis takes an error here for the end, and would not try again. */
    override async connect(): Promise<ReturnType<typeof createConnection>> {
      this.connecting = true;
      let address = await owner();
      while (address === undefined && this.connecting) {
        await wait(OWNER_UNKNOWN_RETRY_MS);
        address = await owner();
      }
      if (address === undefined || !this.connecting) throw new Error('Connection is closed.');
      const stream = this.#tls ? connectTls({ ...address, ...this.#tls }) : createConnection(address);
      stream.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = stream;
      return stream;
    }
  };
}
