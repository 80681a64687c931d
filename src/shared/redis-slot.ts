import { createConnection, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import { SECOND } from './duration.ts';
import { toError } from './errors.ts';
import type { HostPort } from './redis-url.ts';

const GOODBYE_MS = 2 * SECOND;
const ASK_TIMEOUT_MS = 2 * SECOND;
const ASK_AGAIN_MS = SECOND / 4;

/** Takes an event of the connection that is being made. */
type Emit = (event: string, error: Error) => void;

/** What the cluster's nodes ask for, and how they speak. */
type Entry = Pick<RedisOptions, 'username' | 'password' | 'tls' | 'connectTimeout'>;

/**
 * Leads a connection to the node of a cluster that owns a key, and after the key has moved to the next one: whenever
 * it connects it asks again, any node that answers.
 *
 * All keys of a queue are in one slot anyway, and so are the gateways'. One connection to their owner is what they
 * would have on a single server: BullMQ's blocking reads survive an outage on it, which they do not on a connection
 * to all nodes (a worker could fall asleep for ever), and a subscriber is where scripts can see it.
 * @param seeds some nodes; the others are learned from them
 */
export function slotConnector(
  seeds: readonly HostPort[],
  key: string,
): NonNullable<RedisOptions['Connector']> {
  const known = [...seeds];
  return class SlotConnector extends AbstractConnector {
    readonly #entry: Entry;

    constructor(options: unknown) {
      super(GOODBYE_MS);
      const { username, password, tls, connectTimeout } = options as RedisOptions;
      this.#entry = { username, password, tls, connectTimeout };
    }

    override async connect(emit: Emit): Promise<Socket> {
      this.connecting = true;
      const owner = await this.#findOwner(emit);
      const { tls } = this.#entry;
      const stream = tls ? connectTls({ ...owner, ...tls }) : createConnection(owner);
      stream.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = stream;
      return stream;
    }

    /** Goes on until somebody answers: ioredis takes an error from here for the end of the connection. */
    async #findOwner(emit: Emit): Promise<HostPort> {
      for (;;) {
        for (const node of [...known]) {
          const answer = await ask(node, key, this.#entry).catch(toError);
          if (!this.connecting) throw new Error('Connection is closed.');
          if (answer instanceof Error) {
            emit('error', answer);
            continue;
          }
          learn(known, answer.nodes);
          if (answer.owner) return answer.owner;
        }
        await wait(ASK_AGAIN_MS);
        if (!this.connecting) throw new Error('Connection is closed.');
      }
    }
  };
}

type Answer = { owner: HostPort | undefined; nodes: HostPort[] };

async function ask(node: HostPort, key: string, entry: Entry): Promise<Answer> {
  const redis = new Redis({
    ...entry,
    ...node,
    commandTimeout: ASK_TIMEOUT_MS,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
  });
  // What goes wrong, the commands say.
  redis.on('error', () => undefined);
  try {
    const [slot, ranges] = await Promise.all([redis.cluster('KEYSLOT', key), redis.cluster('SLOTS')]);
    const parts = ranges.map(([first, last, ...nodes]) => ({
      owns: first <= Number(slot) && Number(slot) <= last,
      // A node that does not know its own address names none: it is the one we asked.
      nodes: nodes.map(([host, port]) => ({ host: host || node.host, port })),
    }));
    return {
      owner: parts.find(({ owns }) => owns)?.nodes[0],
      nodes: parts.flatMap(({ nodes }) => nodes),
    };
  } finally {
    redis.disconnect();
  }
}

function learn(known: HostPort[], nodes: readonly HostPort[]): void {
  for (const node of nodes) {
    if (!known.some(({ host, port }) => host === node.host && port === node.port)) known.push(node);
  }
}
