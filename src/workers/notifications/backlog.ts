import { setTimeout as wait } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Redis } from 'ioredis';
import { SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { NotificationJob, QueueOf } from '../../shared/queues/index.ts';
import { jobIdOf } from '../events/outbox.ts';
import { GatewayRefused } from './gateway-client.ts';
import { TakenOver } from './gateway-line.ts';
import type { Notifier } from './notifier.ts';
import { lockUser, type UserLock } from './user-lock.ts';

/** By then who delivers a message without a job has delivered it, queued it, or died. */
const SETTLED_AFTER_MS = 10 * SECOND;
const LOOK_EVERY_MS = SECOND / 10;
const ROWS_AT_ONCE = 50;

type OpenRow = Pick<NotificationJob, 'fact' | 'type' | 'data'> & { readonly id: number };

/** Somebody else tells this user's messages just now. */
export const BUSY = Symbol('busy');

/**
 * Tells users what is queued for them: each user's messages one at a time and in the order of the outbox, whichever
 * job comes first. Whoever has a job for a user tells everything older first, alone among all processes.
 */
export class Backlog {
  readonly #orm: MikroORM;
  readonly #notifier: Notifier;
  readonly #notifications: QueueOf<'notifications'>;
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #logger: Logger;
  /** Up to which message each user is being told by this process. */
  readonly #upTo = new Map<number, number>();

  /** @param deps.redis waits while Redis is away */
  constructor(deps: {
    orm: MikroORM;
    notifier: Notifier;
    notifications: QueueOf<'notifications'>;
    redis: Redis;
    prefix: string;
    logger: Logger;
  }) {
    this.#orm = deps.orm;
    this.#notifier = deps.notifier;
    this.#notifications = deps.notifications;
    this.#redis = deps.redis;
    this.#prefix = deps.prefix;
    this.#logger = deps.logger;
  }

  /**
   * Resolves once the message is delivered and all of the user's before it.
   * @param patience aborted when the process stops
   * @returns {@link BUSY} when somebody else has begun with this user; the job has to come again then
   * @throws what the gateway or the database failed with; what `patience` was aborted with
   */
  async tell(job: NotificationJob, patience: AbortSignal): Promise<typeof BUSY | undefined> {
    const { userId, outboxId } = job;
    const already = this.#upTo.get(userId);
    if (already !== undefined) {
      // Who is at it goes on to this one.
      this.#upTo.set(userId, Math.max(already, outboxId));
      return BUSY;
    }
    this.#upTo.set(userId, outboxId);
    try {
      const lock = await lockUser(this.#redis, this.#prefix, userId);
      if (lock === undefined) return BUSY;
      try {
        return await this.#tellAll(job, lock, patience);
      } finally {
        await lock.release();
      }
    } finally {
      this.#upTo.delete(userId);
    }
  }

  async #tellAll(
    job: NotificationJob,
    lock: UserLock,
    patience: AbortSignal,
  ): Promise<typeof BUSY | undefined> {
    const refused: number[] = [];
    for (;;) {
      const upTo = this.#upTo.get(job.userId) ?? job.outboxId;
      const rows = await this.#openRows(job.userId, upTo, refused);
      for (const row of rows) {
        const message = row.id === job.outboxId ? job : await this.#messageOf(row, job.userId, patience);
        if (message === undefined) continue;
        try {
          await this.#notifier.tell(message, { rank: upTo, patience, isStillOurs: () => lock.isHeld });
        } catch (thrown) {
          if (thrown instanceof TakenOver) return BUSY;
          if (row.id === job.outboxId || !isAboutMessage(thrown)) throw thrown;
          // Its own job tries it again; nobody else has to wait for that.
          refused.push(row.id);
          this.#logger.warn(
            { err: toError(thrown), fact: row.fact },
            `Went past ${row.fact}, which the gateway refuses`,
          );
          continue;
        }
        await this.#notifier.note(row.id);
        if (row.id !== job.outboxId) await this.#dropJob(row.id);
      }
      if (rows.length < ROWS_AT_ONCE && upTo === this.#upTo.get(job.userId)) return undefined;
    }
  }

  /** There is nothing left for it to do; one that stays, or that somebody has in hand, finds that out by itself. */
  async #dropJob(outboxId: number): Promise<void> {
    try {
      await this.#notifications.remove(jobIdOf(outboxId));
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'Could not drop the job of a message that was told');
    }
  }

  async #openRows(userId: number, upTo: number, except: readonly number[]): Promise<OpenRow[]> {
    const rows = await this.#orm.em.fork().execute<(Omit<OpenRow, 'id'> & { id: string | number })[]>(
      `select id, fact, type, data from outbox_messages
       where user_id = ? and id <= ? and delivered_at is null and id <> all(?::bigint[])
       order by id limit ${ROWS_AT_ONCE}`,
      [userId, upTo, `{${except.join(',')}}`],
    );
    return rows.map((row) => ({ ...row, id: Number(row.id) }));
  }

  /**
   * An earlier message as its job has it. While there is no job somebody may be delivering it: whoever that is will
   * have done so, queued it or died before long.
   * @returns undefined when it has been delivered meanwhile
   */
  async #messageOf(row: OpenRow, userId: number, signal: AbortSignal): Promise<NotificationJob | undefined> {
    for (const since = performance.now(); performance.now() - since < SETTLED_AFTER_MS; ) {
      const queued = await this.#notifications.getJob(jobIdOf(row.id));
      const [open] = await this.#openRows(userId, row.id, []).then((rows) =>
        rows.filter(({ id }) => id === row.id),
      );
      if (open === undefined) return undefined;
      if (queued) return queued.data;
      await wait(LOOK_EVERY_MS, undefined, { signal });
    }
    const { id: outboxId, fact, type, data } = row;
    return { outboxId, fact, type, userId, data, correlationId: jobIdOf(outboxId) };
  }
}

/** Whether the gateway finds fault with this message and would take another; a wrong key is everybody's fault. */
function isAboutMessage(thrown: unknown): boolean {
  if (!(thrown instanceof GatewayRefused) || thrown.isForAll) return false;
  return thrown.status >= 400 && thrown.status < 500 && ![401, 403, 404, 408].includes(thrown.status);
}
