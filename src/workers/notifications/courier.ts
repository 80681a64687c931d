import { SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { QueueOf } from '../../shared/queues/index.ts';
import { type NewMessage, queueMessages } from '../events/outbox.ts';
import type { Notifier } from './notifier.ts';

/** How long an operator's pause of the queue may go unnoticed, in milliseconds. */
const PAUSE_KNOWN_MS = SECOND;

/**
 * Brings new messages to the gateway as soon as they are committed, without a job for each: Redis and the worker would
 * have as much to do with it as with the event's own. The `notifications` queue gets what could not be delivered at
 * once, with all its retries, and everything while it is paused; the sweep finds what a worker held when it died.
 */
export class Courier {
  readonly #notifier: Notifier;
  readonly #notifications: QueueOf<'notifications'>;
  readonly #most: number;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();
  #isPaused = false;
  #pauseAskedAt = Number.NEGATIVE_INFINITY;

  /** @param deps.most messages under way at a time; what is more goes through the queue */
  constructor(deps: {
    notifier: Notifier;
    notifications: QueueOf<'notifications'>;
    most: number;
    logger: Logger;
  }) {
    this.#notifier = deps.notifier;
    this.#notifications = deps.notifications;
    this.#most = deps.most;
    this.#logger = deps.logger;
  }

  /**
   * Sets messages on their way; resolves when each is either that or in the queue.
   * @throws what Redis answered when some had to be queued and could not be
   */
  async send(messages: readonly NewMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const room = (await this.#mayDeliver()) ? Math.max(0, this.#most - this.#underWay.size) : 0;
    for (const message of messages.slice(0, room)) this.#start(message);
    await queueMessages(this.#notifications, messages.slice(room));
  }

  /** Resolves when nothing is under way: everything is delivered, or in the queue, or the sweep's. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #start(message: NewMessage): void {
    const delivery = this.#deliver(message).finally(() => this.#underWay.delete(delivery));
    this.#underWay.add(delivery);
  }

  async #deliver(message: NewMessage): Promise<void> {
    const { fact, correlationId } = message;
    try {
      await this.#notifier.deliver(message, message.trace);
      return;
    } catch (thrown) {
      this.#logger.warn(
        { err: toError(thrown), fact, correlationId },
        `Could not deliver ${fact} at once; it is queued`,
      );
    }
    try {
      await queueMessages(this.#notifications, [message]);
    } catch (thrown) {
      this.#logger.warn(
        { err: toError(thrown), fact, correlationId },
        `Could not queue ${fact}; the sweep will`,
      );
    }
  }

  /** Who pauses the queue wants the gateway to be left alone. While Redis cannot tell, what it told last counts. */
  async #mayDeliver(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#pauseAskedAt >= PAUSE_KNOWN_MS) {
      this.#pauseAskedAt = now;
      try {
        this.#isPaused = await this.#notifications.isPaused();
      } catch (thrown) {
        this.#logger.debug({ err: toError(thrown) }, 'Redis does not tell whether notifications are paused');
      }
    }
    return !this.#isPaused;
  }
}
