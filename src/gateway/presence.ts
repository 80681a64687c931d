import type { Redis } from 'ioredis';
import { HOUR } from '../shared/duration.ts';
import { HttpError, toError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { PresenceListener } from './hub.ts';

export type PresenceOptions = {
  /** Fails fast. */
  commands: Redis;
  /** Before every key; on a cluster, what keeps them on one node. */
  keyPrefix: string;
  processId: string;
  /** Users with a socket here, the truth that Redis is told. */
  localUsers: () => string[];
  heartbeatMs: number;
  ttlMs: number;
  logger: Logger;
};

/** After this silence a process is forgotten; much longer than clocks differ. Its users were long gone by expiry. */
const FORGET_AFTER_MS = HOUR;

/**
 * Who is online, across processes. Each process keeps the set of its users under one key with a short expiry that its
 * heartbeat renews: the entries of a killed process vanish by themselves, and a heartbeat costs the same for ten users
 * as for ten thousand.
 */
export class Presence implements PresenceListener {
  readonly processId: string;
  readonly #options: PresenceOptions;
  readonly #key: string;
  /** Sorted set of process ids by the time of their last heartbeat, epoch milliseconds. */
  readonly #processes: string;
  #heartbeat: NodeJS.Timeout | undefined;
  /** Whether Redis may know something else than the hub, so that the whole set has to be written. */
  #dirty = true;
  readonly #onReady = (): void => void this.#beat();

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.processId = options.processId;
    this.#key = this.#usersKey(options.processId);
    this.#processes = `${options.keyPrefix}processes`;
  }

  start(): void {
    this.#options.commands.on('ready', this.#onReady);
    this.#heartbeat = setInterval(() => void this.#beat(), this.#options.heartbeatMs);
    if (this.#options.commands.status === 'ready') void this.#beat();
  }

  came(userId: string): void {
    const { commands, ttlMs } = this.#options;
    this.#tell(commands.multi().sadd(this.#key, userId).pexpire(this.#key, ttlMs).exec());
  }

  went(userId: string): void {
    this.#tell(this.#options.commands.srem(this.#key, userId));
  }

  /**
   * Which of these users have a socket on any gateway process.
   * @throws {HttpError} 503 while Redis is away: "offline" would be a guess
   */
  async online(userIds: readonly string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    try {
      const processes = await this.#options.commands.zrange(this.#processes, '0', '-1');
      const answers = await Promise.all(
        processes.map((id) => this.#options.commands.smismember(this.#usersKey(id), ...userIds)),
      );
      return new Set(userIds.filter((_userId, index) => answers.some((answer) => answer[index] === 1)));
    } catch (error) {
      throw HttpError.unavailable(
        'presence_unavailable',
        'Who is online is not known now: try again',
        2,
        error,
      );
    }
  }

  /** Takes this process off the list, so that its users are offline at once. */
  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#options.commands.off('ready', this.#onReady);
    if (this.#options.commands.status !== 'ready') return;
    await this.#options.commands.multi().del(this.#key).zrem(this.#processes, this.processId).exec();
  }

  async #beat(): Promise<void> {
    const { commands, ttlMs, logger } = this.#options;
    if (commands.status !== 'ready') return;
    try {
      const now = Date.now();
      const renewal = commands
        .multi()
        .zadd(this.#processes, now, this.processId)
        .zremrangebyscore(this.#processes, '-inf', now - FORGET_AFTER_MS)
        .pexpire(this.#key, ttlMs)
        .exec();
      const renewed = (await renewal)?.[2]?.[1] === 1;
      if (this.#dirty || !renewed) await this.#rewrite();
    } catch (thrown) {
      this.#dirty = true;
      logger.warn({ err: toError(thrown) }, 'Could not tell Redis who is online; it is tried again');
    }
  }

  /** Writes the whole set. Commands go out in the order they are given, so later comings and goings apply on top. */
  async #rewrite(): Promise<void> {
    const { commands, localUsers, ttlMs } = this.#options;
    this.#dirty = false;
    const users = localUsers();
    const transaction = commands.multi().del(this.#key);
    if (users.length > 0) transaction.sadd(this.#key, ...users).pexpire(this.#key, ttlMs);
    await transaction.exec();
  }

  #tell(command: Promise<unknown>): void {
    command.catch((thrown) => {
      this.#dirty = true;
      this.#options.logger.debug(
        { err: toError(thrown) },
        'Redis was not told of a user; the heartbeat does',
      );
    });
  }

  #usersKey(processId: string): string {
    return `${this.#options.keyPrefix}online:${processId}`;
  }
}
