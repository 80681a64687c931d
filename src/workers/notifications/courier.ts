import type { MikroORM } from '@mikro-orm/postgresql';
import { SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { QueueOf } from '../../shared/queues/index.ts';
import { type NewMessage, queueMessages } from '../events/outbox.ts';
import { GatewayResting } from './gateway-line.ts';
import type { Notifier } from './notifier.ts';
import { KNOWN_MS, type Ration } from './ration.ts';

/** So long a user's further messages follow one that went into the queue, without asking what became of it. */
const FOLLOW_MS = 5 * SECOND;

/**
 * Brings new messages to the gateway as soon as they are committed, without a job for each: Redis and the worker would
 * have as much to do with it as with the event's own. The `notifications` queue gets what could not be delivered at
 * once, with all its retries, and everything while it is paused or the gateway limits; the sweep finds what a worker
 * held when it died. A user's messages go one after the other, and none of them past one that is queued.
 */
export class Courier {
  readonly #orm: MikroORM;
  readonly #notifier: Notifier;
  readonly #notifications: QueueOf<'notifications'>;
  readonly #ration: Ration;
  readonly #most: number;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();
  /** Whether the last message of a user that is under way was delivered. */
  readonly #last = new Map<number, Promise<boolean>>();
  /** When a user's message last went into the queue, the longest ago first. */
  readonly #queuedAt = new Map<number, number>();
  #isPaused = false;
  /** Whether messages wait in the queue to be tried again. */
  #someAreLate = false;
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
    this.#orm = deps.orm;
    this.#notifier = deps.notifier;
    this.#notifications = deps.notifications;
    this.#ration = deps.ration;
    this.#most = deps.most;
    this.#logger = deps.logger;
  }

  /**
   * Sets messages on their way; resolves when each is either that or in the queue.
   * @throws what Redis answered when some had to be queued and could not be
   */
  async send(messages: readonly NewMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await Promise.all([this.#look(), this.#ration.look()]);
    const behind = await this.#usersBehind(messages);
    const queued: NewMessage[] = [];
    for (const message of [...messages].sort((a, b) => a.outboxId - b.outboxId)) {
      const mayGo = !this.#isPaused && !this.#ration.isLimited && this.#underWay.size < this.#most;
      if (mayGo && !behind.has(message.userId) && !this.#follows(message.userId)) this.#start(message);
      else queued.push(this.#noteQueued(message));
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
    if (before === undefined || (await before)) {
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
      await queueMessages(this.#notifications, [this.#noteQueued(message)]);
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

  #noteQueued(message: NewMessage): NewMessage {
    this.#queuedAt.delete(message.userId);
    this.#queuedAt.set(message.userId, performance.now());
    return message;
  }

  #follows(userId: number): boolean {
    const now = performance.now();
    for (const [user, at] of this.#queuedAt) {
      if (now - at < FOLLOW_MS) break;
      this.#queuedAt.delete(user);
    }
    return this.#queuedAt.has(userId);
  }

  /** Users with older messages that nobody has taken. They are looked for only while there are such messages. */
  async #usersBehind(messages: readonly NewMessage[]): Promise<Set<number>> {
    if (!this.#someAreLate || this.#ration.isLimited) return new Set();
    try {
      const rows = await this.#orm.em.fork().execute<{ user_id: number }[]>(
        `select distinct user_id from outbox_messages
         where delivered_at is null and user_id = any(?::int[]) and id <> all(?::bigint[])`,
        [messages.map(({ userId }) => userId), messages.map(({ outboxId }) => outboxId)].map(
          (ids) => `{${ids.join(',')}}`,
        ),
      );
      return new Set(rows.map((row) => row.user_id));
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'The database does not tell whose messages wait');
      return new Set();
    }
  }

  /** Who pauses the queue wants the gateway to be left alone. While Redis cannot tell, what it told last counts. */
  async #look(): Promise<void> {
    const now = performance.now();
    if (now - this.#askedAt < KNOWN_MS) return;
    this.#askedAt = now;
    try {
      const [isPaused, late] = await Promise.all([
        this.#notifications.isPaused(),
        this.#notifications.getDelayedCount(),
      ]);
      this.#isPaused = isPaused;
      this.#someAreLate = late > 0;
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'Redis does not tell how the notifications stand');
    }
  }
}
