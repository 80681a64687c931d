import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { RigError } from './errors.ts';
import { Pile } from './pile.ts';
import { poll } from './poll.ts';
import { freePort } from './ports.ts';
import { type RedisServer, type RedisServerOptions, startRedis } from './redis.ts';

const SLOTS = 16_384;
const AGREE_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
/** How long a node is silent before the others give it up; shorter than production's 15 s, for tests. */
const NODE_TIMEOUT_MS = 3_000;

type Node = { readonly server: RedisServer; readonly busPort: number };

/** Starts a Redis Cluster of our own: three masters that share the slots, on free ports, with one password. */
export async function startRedisCluster(
  options: Pick<RedisServerOptions, 'appendFsync'> = {},
): Promise<RedisCluster> {
  const pile = new Pile();
  try {
    const password = randomBytes(16).toString('hex');
    const start = async (): Promise<Node> => {
      const busPort = await freePort();
      const settings = [
        'cluster-enabled yes',
        `cluster-port ${busPort}`,
        `cluster-node-timeout ${NODE_TIMEOUT_MS}`,
        `masterauth ${password}`,
      ];
      return { server: pile.add(await startRedis({ ...options, password, settings })), busPort };
    };
    const cluster = new RedisCluster(pile, start, password, await Promise.all([start(), start(), start()]));
    await cluster.shareSlots();
    return cluster;
  } catch (thrown) {
    await pile.close();
    throw thrown;
  }
}

/** A private Redis Cluster. */
export class RedisCluster {
  readonly password: string;
  readonly #pile: Pile;
  readonly #start: () => Promise<Node>;
  readonly #nodes: Node[];

  constructor(pile: Pile, start: () => Promise<Node>, password: string, nodes: Node[]) {
    this.#pile = pile;
    this.#start = start;
    this.password = password;
    this.#nodes = nodes;
  }

  get servers(): readonly RedisServer[] {
    return this.#nodes.map(({ server }) => server);
  }

  /** `host:port` of every node, comma-separated. */
  get addresses(): string {
    return this.servers.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  /** Gives each node its part of the slots and waits until all agree. */
  async shareSlots(): Promise<void> {
    const part = Math.ceil(SLOTS / this.#nodes.length);
    for (const [index, { server }] of this.#nodes.entries()) {
      const [from, to] = [index * part, Math.min((index + 1) * part, SLOTS) - 1];
      await on(server, (redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to));
    }
    for (const node of this.#nodes.slice(1)) await this.#introduce(node);
    await this.untilAgreed();
  }

  /** Starts one more node, as the replica of another, and waits until it has that one's data. */
  async addReplica(master: RedisServer): Promise<RedisServer> {
    const node = await this.#start();
    this.#nodes.push(node);
    await this.#introduce(node);
    const id = await on(master, (redis) => redis.call('CLUSTER', 'MYID'));
    await until('the replica knows its master', async () => {
      await on(node.server, (redis) => redis.call('CLUSTER', 'REPLICATE', String(id)));
      return true;
    });
    await until('the replica has the data', async () =>
      (await replicationOf(node.server)).includes('master_link_status:up'),
    );
    await this.untilAgreed();
    return node.server;
  }

  /** Makes a replica take the place of its master, which then follows it. */
  async promote(replica: RedisServer): Promise<void> {
    const [, masterPort] = /master_port:(\d+)/.exec(await replicationOf(replica)) ?? [];
    const master = this.servers.find(({ port }) => port === Number(masterPort));
    if (master === undefined) throw new RigError('Only a replica can be promoted');
    await on(replica, (redis) => redis.call('CLUSTER', 'FAILOVER'));
    await until('the two have changed places', async () => {
      const [first, second] = await Promise.all([replicationOf(replica), replicationOf(master)]);
      return first.includes('role:master') && second.includes('role:slave');
    });
    await this.untilAgreed();
  }

  /** The node that has a key. */
  async ownerOf(key: string): Promise<RedisServer> {
    for (const { server } of this.#nodes) {
      const here = await on(server, (redis) => redis.get(key)).catch(() => undefined);
      if (here !== undefined) return server;
    }
    throw new RigError(`No node of the cluster owns ${key}`);
  }

  /** Resolves when every node says that all slots are served. */
  async untilAgreed(): Promise<void> {
    await until('every node calls the cluster ok', async () => {
      const states = await Promise.all(
        this.servers.map((server) => on(server, (redis) => redis.call('CLUSTER', 'INFO'))),
      );
      const known = `cluster_known_nodes:${this.#nodes.length}`;
      return states.every(
        (state) => String(state).includes('cluster_state:ok') && String(state).includes(known),
      );
    });
  }

  async #introduce({ server, busPort }: Node): Promise<void> {
    const [first] = this.#nodes;
    if (first === undefined) return;
    await on(first.server, (redis) => redis.call('CLUSTER', 'MEET', server.host, server.port, busPort));
  }

  close(): Promise<void> {
    return this.#pile.close();
  }
}

function replicationOf(server: RedisServer): Promise<string> {
  return on(server, (redis) => redis.info('replication'));
}

/** Runs commands on one node, on a connection of its own. */
async function on<T>(server: RedisServer, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(server.url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function until(what: string, fact: () => Promise<boolean>): Promise<void> {
  const come = await poll(async () => ((await fact().catch(() => false)) ? true : undefined), {
    everyMs: POLL_MS,
    timeoutMs: AGREE_TIMEOUT_MS,
  });
  if (!come) throw new RigError(`Waited ${AGREE_TIMEOUT_MS} ms in vain until ${what}`);
}
