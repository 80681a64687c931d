import type { Redis } from 'ioredis';
import { DAY, HOUR, SECOND } from '../shared/duration.ts';
import { HttpError, toError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { Address } from './hub.ts';

/** A frame on its way to whom it is for, on every gateway process. */
export type Announcement = { readonly address: Address; readonly frame: string };

export type BusOptions = {
  /** Fails fast; publishes. */
  commands: Redis;
  /** Waits for Redis; only subscribes. In a cluster, at the node that owns the keys. */
  subscriber: Redis;
  /** Before every key and channel: gateways with another prefix are another installation. */
  keyPrefix: string;
  /** Names this process among all gateways. */
  processId: string;
  deliver: (announcement: Announcement) => void;
  maxPending: number;
  logger: Logger;
};

const RECENT_MAX = 1_000;
const IDEMPOTENCY_SECONDS = DAY / SECOND;
const RETRY_CATCH_UP_MS = 200;
const CHECK_MS = 10 * SECOND;
const CHECK_TIMEOUT_MS = 5 * SECOND;

/**
 * One step that nothing can come between: was this key announced before? is this process listening? if so remember
 * the key, keep the message for processes that are reconnecting, and publish it.
 */
const ANNOUNCE = `
local idempotencyKey, recent = KEYS[1], KEYS[2]
local once, seconds, ownChannel, channel, message, keep, keepSeconds = unpack(ARGV)
if once == '1' and redis.call('EXISTS', idempotencyKey) == 1 then return 'duplicate' end
if redis.call('PUBSUB', 'NUMSUB', ownChannel)[2] == 0 then return 'unsubscribed' end
if once == '1' then redis.call('SET', idempotencyKey, '1', 'NX', 'EX', seconds) end
local id = redis.call('XADD', recent, 'MAXLEN', '~', keep, '*', 'm', message)
redis.call('EXPIRE', recent, keepSeconds)
redis.call('PUBLISH', channel, id .. ' ' .. message)
return 'published'
`;

/**
 * Redis pub/sub between the gateway processes.
 *
 * What `publish` promises: when it returns, the message was published while this process was subscribed in Redis's
 * own eyes (each process also listens on a channel of its own, and the script looks for its listener), or it had been
 * published before under the same key. Otherwise it throws 503 and nothing was published, except after a timeout,
 * when nobody can know: the caller repeats with the same key and is told `duplicate`.
 * A process whose subscription was broken for a while catches up from the last {@link RECENT_MAX} messages once it is
 * back, before it counts as subscribed again.
 */
export class Bus {
  readonly #options: BusOptions;
  readonly #channel: string;
  readonly #ownChannel: string;
  /** Stream of the last {@link RECENT_MAX} messages. */
  readonly #recent: string;
  #subscribed = false;
  #pending = 0;
  /** Counts subscriptions, so that what an earlier one started is not mistaken for the present one. */
  #generation = 0;
  /** Id of the last message delivered here. */
  #lastId: string | undefined;
  /** Messages that arrived while catching up; `undefined` when not catching up. */
  #held: string[] | undefined;
  /** Ids the last catch-up delivered: the subscription may bring the newest of them as well, before or after. */
  #caughtUp = new Set<string>();
  #check: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: BusOptions) {
    this.#options = options;
    const { keyPrefix, processId } = options;
    this.#channel = `${keyPrefix}announcements`;
    this.#ownChannel = `${keyPrefix}process:${processId}`;
    this.#recent = `${keyPrefix}recent`;
  }

  /** Whether messages published now reach this process. */
  get subscribed(): boolean {
    return this.#subscribed;
  }

  /** Subscribes, now and after every reconnection. */
  start(): void {
    const { subscriber } = this.#options;
    subscriber.on('message', (channel: string, text: string) => {
      if (channel !== this.#channel) return;
      if (this.#held) this.#held.push(text);
      else this.#receiveLive(text);
    });
    subscriber.on('ready', () => void this.#resume());
    subscriber.on('close', () => this.#lose());
    if (subscriber.status === 'ready') void this.#resume();
    this.#check = setInterval(() => void this.#checkSubscriber(), CHECK_MS);
  }

  /** Resolves once subscribed, or after `timeoutMs` without. */
  untilSubscribed(timeoutMs: number): Promise<void> {
    if (this.#subscribed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /**
   * Announces to every gateway process; at most once in 24 h per key.
   * @throws {HttpError} 503 when this process is not subscribed, Redis does not answer, or too many are under way
   */
  async publish(announcement: Announcement, idempotencyKey?: string): Promise<'published' | 'duplicate'> {
    if (this.#pending >= this.#options.maxPending) {
      throw HttpError.unavailable('channel_full', 'Too many broadcasts at once: send this one again', 1);
    }
    this.#pending += 1;
    try {
      const outcome = await this.#announce(announcement, idempotencyKey);
      if (outcome === 'published' || outcome === 'duplicate') return outcome;
    } catch (error) {
      throw HttpError.unavailable(
        'bus_unavailable',
        'Redis did not take the broadcast: send it again with the same Idempotency-Key',
        2,
        error,
      );
    } finally {
      this.#pending -= 1;
    }
    this.#subscribeAgain();
    throw notSubscribed();
  }

  /** Stops listening; the connections are the caller's to close. */
  stop(): void {
    clearInterval(this.#check);
    this.#lose();
  }

  #announce(announcement: Announcement, idempotencyKey: string | undefined): Promise<unknown> {
    return this.#options.commands.eval(
      ANNOUNCE,
      2,
      `${this.#options.keyPrefix}announced:${idempotencyKey ?? ''}`,
      this.#recent,
      idempotencyKey === undefined ? '0' : '1',
      IDEMPOTENCY_SECONDS,
      this.#ownChannel,
      this.#channel,
      JSON.stringify(announcement),
      RECENT_MAX,
      HOUR / SECOND,
    );
  }

  /** Redis does not know our listener: its node is not the keys' owner any more, or it was thrown out unheard. */
  #subscribeAgain(): void {
    if (!this.#subscribed) return;
    this.#lose();
    this.#connectAgain();
  }

  /** Only a connection that is up: one that is being made would be given up for good. */
  #connectAgain(): void {
    const { subscriber } = this.#options;
    if (subscriber.status === 'ready') subscriber.disconnect(true);
  }

  #lose(): void {
    this.#generation += 1;
    this.#subscribed = false;
    // Not delivered yet, so the next catch-up finds them again.
    this.#held = undefined;
  }

  async #resume(): Promise<void> {
    this.#lose();
    const generation = this.#generation;
    this.#held = [];
    try {
      this.#lastId ??= await this.#readLatestId();
      await this.#options.subscriber.subscribe(this.#channel, this.#ownChannel);
      if (generation !== this.#generation) return;
      const missed = await this.#readSince(this.#lastId);
      if (generation !== this.#generation) return;
      this.#catchUp(missed);
    } catch (thrown) {
      if (generation !== this.#generation) return;
      this.#options.logger.warn({ err: toError(thrown) }, 'Could not catch up with the other gateways yet');
      setTimeout(() => {
        if (generation === this.#generation) void this.#resume();
      }, RETRY_CATCH_UP_MS);
    }
  }

  /** Where a newcomer begins: it is told nothing of the past. */
  async #readLatestId(): Promise<string> {
    const [latest] = await this.#options.commands.xrevrange(this.#recent, '+', '-', 'COUNT', 1);
    return latest?.[0] ?? '0-0';
  }

  async #readSince(lastId: string): Promise<{ id: string; message: string }[]> {
    const entries = await this.#options.commands.xrange(this.#recent, lastId, '+');
    return entries.filter(([id]) => id !== lastId).map(([id, fields]) => ({ id, message: fields[1] ?? '' }));
  }

  #catchUp(missed: { id: string; message: string }[]): void {
    this.#caughtUp = new Set(missed.map(({ id }) => id));
    for (const { id, message } of missed) this.#receive(`${id} ${message}`);
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const text of held) this.#receiveLive(text);
    this.#subscribed = true;
    this.#options.logger.debug({ missed: missed.length }, 'Subscribed to the other gateways');
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #receiveLive(text: string): void {
    if (!this.#caughtUp.has(idOf(text))) this.#receive(text);
  }

  #receive(text: string): void {
    const id = idOf(text);
    this.#lastId = id;
    try {
      this.#options.deliver(JSON.parse(text.slice(id.length + 1)) as Announcement);
    } catch (thrown) {
      this.#options.logger.error({ err: toError(thrown), id }, 'Dropped an announcement that cannot be read');
    }
  }

  /** A connection whose peer vanished without a word looks open for hours; a ping finds out. */
  async #checkSubscriber(): Promise<void> {
    const { subscriber, logger } = this.#options;
    if (subscriber.status !== 'ready') return;
    const deadline = setTimeout(() => {
      logger.warn('The Redis subscription went silent; connecting again');
      this.#connectAgain();
    }, CHECK_TIMEOUT_MS);
    try {
      await subscriber.ping();
    } catch {
      // The connection broke, which the close event has handled.
    } finally {
      clearTimeout(deadline);
    }
  }
}

function idOf(text: string): string {
  return text.slice(0, text.indexOf(' '));
}

function notSubscribed(): HttpError {
  return HttpError.unavailable(
    'not_subscribed',
    'This gateway is not connected to the others at the moment: send the broadcast again',
    2,
  );
}
