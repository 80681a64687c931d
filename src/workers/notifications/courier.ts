import { setTimeout as wait } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { QueueOf } from '../../shared/queues/index.ts';
import { type NewMessage, queueMessages } from '../events/outbox.ts';
import { GroupCommit } from '../group-commit.ts';
import { GatewayResting } from './gateway-line.ts';
import type { Notifier } from './notifier.ts';
import { KNOWN_MS, type Ration } from './ration.ts';

/** So long a message waits for its user's older ones before it goes into the queue, where it may wait for longer. */
const WAIT_FOR_OLDER_MS = 400;
const LOOK_EVERY_MS = 20;

/**
 * Brings new messages to the gateway as soon as they are committed, without a job for each: Redis and the worker would
 * have as much to do with it as with the event's own. The `notifications` queue gets what could not be delivered at
 * once, with all its retries, and everything while it is paused or the gateway limits; the sweep finds what a worker
 * held when it died. A user's messages go one after the other, also after those that another process delivers.
 */
export class Courier {
  readonly #notifier: Notifier;
  readonly #notifications: QueueOf<'notifications'>;
  readonly #ration: Ration;
  readonly #most: number;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();
  /** Whether the last message of a user that is under way was delivered. */
  readonly #last = new Map<number, Promise<boolean>>();
  readonly #older: GroupCommit<NewMessage, boolean>;
  #isPaused = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param deps.most messages under way at a time; what is more goes through the queue */
  constructor(deps: {
    orm: MikroORM;
    notifier: Notifier;
    notifications: QueueOf<'notifications'>;
    ration: Ration;
    most: number;
    logger: Logger;
  }) {
    this.#notifier = deps.notifier;
    this.#notifications = deps.notifications;
    this.#ration = deps.ration;
    this.#most = deps.most;
    this.#logger = deps.logger;
    this.#older = new GroupCommit({
      run: (messages) => areOlderDelivered(deps.orm, messages),
      maxSize: 500,
      maxInFlight: 1,
    });
  }

  /**
   * Sets messages on their way; resolves when each is either that or in the queue.
   * @throws what Redis answered when some had to be queued and could not be
   */
  async send(messages: readonly NewMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await Promise.all([this.#look(), this.#ration.look()]);
    const queued: NewMessage[] = [];
    for (const message of [...messages].sort((a, b) => a.outboxId - b.outboxId)) {
      const mayGo = !this.#isPaused && !this.#ration.isLimited && this.#underWay.size < this.#most;
      if (mayGo) this.#start(message);
      else queued.push(message);
    }
    await queueMessages(this.#notifications, queued);
  }

  /** Resolves when nothing is under way: everything is delivered, or in the queue, or the sweep's. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #start(message: NewMessage): void {
    const { userId } = message;
    const told = this.#tell(message, this.#last.get(userId));
    this.#last.set(userId, told);
    const delivery = told
      .then((isTold) => (isTold ? this.#note(message) : undefined))
      .finally(() => {
        this.#underWay.delete(delivery);
        if (this.#last.get(userId) === told) this.#last.delete(userId);
      });
    this.#underWay.add(delivery);
  }

  /** @returns whether the gateway has taken it; else it was queued */
  async #tell(message: NewMessage, before: Promise<boolean> | undefined): Promise<boolean> {
    if (before === undefined ? await this.#mayFollow(message) : await before) {
      try {
        await this.#notifier.tell(message, { rank: message.outboxId }, message.trace);
        return true;
      } catch (thrown) {
        if (!(thrown instanceof GatewayResting)) this.#warn(message, thrown, 'deliver', 'it is queued');
      }
    }
    await this.#queue(message);
    return false;
  }

  async #note(message: NewMessage): Promise<void> {
    try {
      await this.#notifier.note(message.outboxId);
    } catch (thrown) {
      this.#warn(message, thrown, 'note the delivery of', 'it is queued');
      await this.#queue(message);
    }
  }

  async #queue(message: NewMessage): Promise<void> {
    try {
      await queueMessages(this.#notifications, [message]);
    } catch (thrown) {
      this.#warn(message, thrown, 'queue', 'the sweep will');
    }
  }

  #warn({ fact, correlationId }: NewMessage, thrown: unknown, what: string, then: string): void {
    this.#logger.warn(
      { err: toError(thrown), fact, correlationId },
      `Could not ${what} ${fact} at once; ${then}`,
    );
  }

  /** Waits until the user's older messages are delivered. @returns false when that takes too long */
  async #mayFollow(message: NewMessage): Promise<boolean> {
    if (!message.isBehind) return true;
    const until = performance.now() + WAIT_FOR_OLDER_MS;
    do {
      if (this.#ration.isLimited) return false;
      try {
        if (await this.#older.submit(message)) return true;
      } catch (thrown) {
        this.#logger.debug({ err: toError(thrown) }, 'The database does not tell what was delivered');
      }
      await wait(LOOK_EVERY_MS);
    } while (performance.now() < until);
    return false;
  }

  /** Who pauses the queue wants the gateway to be left alone. While Redis cannot tell, what it told last counts. */
  async #look(): Promise<void> {
    const now = performance.now();
    if (now - this.#askedAt < KNOWN_MS) return;
    this.#askedAt = now;
    try {
      this.#isPaused = await this.#notifications.isPaused();
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'Redis does not tell whether notifications are paused');
    }
  }
}

/** @returns for each message whether all older ones of its user are noted as delivered */
async function areOlderDelivered(orm: MikroORM, messages: readonly NewMessage[]): Promise<boolean[]> {
  const open = await orm.em.fork().execute<{ id: string | number }[]>(
    `select message.id from unnest(?::int[], ?::bigint[]) as message(user_id, id)
     where exists (select from outbox_messages as older
       where older.user_id = message.user_id and older.id < message.id and older.delivered_at is null)`,
    [messages.map(({ userId }) => userId), messages.map(({ outboxId }) => outboxId)].map(
      (ids) => `{${ids.join(',')}}`,
    ),
  );
  const behind = new Set(open.map(({ id }) => Number(id)));
  return messages.map(({ outboxId }) => !behind.has(outboxId));
}
