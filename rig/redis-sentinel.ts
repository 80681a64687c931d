import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { baseEnvironment } from './base-environment.ts';
import { Child } from './child.ts';
import { RigError } from './errors.ts';
import { Pile } from './pile.ts';
import { poll } from './poll.ts';
import { freePort } from './ports.ts';
import { createPrivateDir } from './private-dir.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { redisBinary } from './redis-binary.ts';

const HOST = '127.0.0.1';
const NAME = 'matcha-master';
const COUNT = 3;
const QUORUM = 2;
/** Silence after which a master counts as down; short, for tests. */
const DOWN_AFTER_MS = 1_500;
const FAILOVER_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;
const SETTLE_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/** Starts a master, its replica and three sentinels that watch over them. */
export async function startRedisSentinels(): Promise<RedisSentinels> {
  const pile = new Pile();
  try {
    const password = randomBytes(16).toString('hex');
    const sentinelPassword = randomBytes(16).toString('hex');
    const settings = [`masterauth ${password}`, 'repl-diskless-sync-delay 0'];
    const master = pile.add(await startRedis({ password, settings }));
    const replica = pile.add(
      await startRedis({ password, settings: [...settings, `replicaof ${HOST} ${master.port}`] }),
    );
    const ports: number[] = [];
    for (let index = 0; index < COUNT; index += 1) {
      const port = await freePort();
      await startSentinel(pile, port, { master, sentinelPassword });
      ports.push(port);
    }
    const all = new RedisSentinels({ pile, master, replica, ports, password, sentinelPassword });
    await all.untilWatched();
    return all;
  } catch (thrown) {
    await pile.close();
    throw thrown;
  }
}

type Parts = {
  readonly pile: Pile;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly ports: readonly number[];
  readonly password: string;
  readonly sentinelPassword: string;
};

/** A private master with a replica, under the eyes of sentinels. */
export class RedisSentinels {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinelPassword: string;
  /** Leads to whichever is master. */
  readonly url: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.master = parts.master;
    this.replica = parts.replica;
    this.sentinelPassword = parts.sentinelPassword;
    const sentinels = parts.ports.map((port) => `${HOST}:${port}`).join(',');
    this.url = `redis+sentinel://:${parts.password}@${sentinels}/${NAME}/0`;
  }

  /** Resolves when every sentinel knows the others and the replica, and the replica has the master's data. */
  async untilWatched(): Promise<void> {
    await until('the sentinels know each other', async () => {
      const views = await Promise.all(this.#parts.ports.map((port) => this.#viewOf(port)));
      return views.every(
        (view) => view['num-other-sentinels'] === String(COUNT - 1) && view['num-slaves'] === '1',
      );
    });
    await this.untilReplicated();
  }

  /** Resolves when the replica has all that the master has written so far. */
  async untilReplicated(): Promise<void> {
    await until('the replica has everything', async () => {
      const info = await ask(this.master.port, this.master.password, (redis) => redis.info('replication'));
      const [, written] = /master_repl_offset:(\d+)/.exec(info) ?? [];
      const [, received] = /slave0:.*state=online,offset=(\d+)/.exec(info) ?? [];
      return received !== undefined && Number(received) >= Number(written);
    });
  }

  /** Resolves when the sentinels have made the replica master. */
  async untilFailedOver(): Promise<void> {
    await until('the replica is master', async () => {
      const info = await ask(this.replica.port, this.replica.password, (redis) => redis.info('replication'));
      return info.includes('role:master');
    });
  }

  async #viewOf(port: number): Promise<Record<string, string>> {
    const flat = await ask(port, this.sentinelPassword, (redis) => redis.call('SENTINEL', 'MASTER', NAME));
    const words = (flat as unknown[]).map(String);
    return Object.fromEntries(
      words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : [])),
    );
  }

  close(): Promise<void> {
    return this.#parts.pile.close();
  }
}

/** A sentinel keeps what it learns in its configuration file, so that it has to be a file. */
async function startSentinel(
  pile: Pile,
  port: number,
  { master, sentinelPassword }: Pick<Parts, 'master' | 'sentinelPassword'>,
): Promise<void> {
  const directory = createPrivateDir('sentinel');
  pile.defer(() => directory.remove());
  const file = join(directory.path, 'sentinel.conf');
  const lines = [
    `bind ${HOST}`,
    `port ${port}`,
    `requirepass ${sentinelPassword}`,
    `sentinel sentinel-pass ${sentinelPassword}`,
    `dir ${JSON.stringify(directory.path)}`,
    `sentinel monitor ${NAME} ${HOST} ${master.port} ${QUORUM}`,
    `sentinel auth-pass ${NAME} ${master.password}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
    '',
  ];
  await writeFile(file, lines.join('\n'), { mode: 0o600 });
  const child = await Child.start({
    name: 'Redis Sentinel',
    command: await redisBinary((line) => console.error(line)),
    args: [file, '--sentinel'],
    env: baseEnvironment(),
    cwd: directory.path,
  });
  pile.defer(() => child.end('SIGTERM', STOP_TIMEOUT_MS));
  await child.waitForLine(/Sentinel ID is/, START_TIMEOUT_MS);
}

async function ask<T>(port: number, password: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ host: HOST, port, password, maxRetriesPerRequest: 1, retryStrategy: () => null });
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
    timeoutMs: SETTLE_TIMEOUT_MS,
  });
  if (!come) throw new RigError(`Waited ${SETTLE_TIMEOUT_MS} ms in vain until ${what}`);
}
