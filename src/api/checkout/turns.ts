import { SECOND } from '../../shared/duration.ts';
import { HttpError, toError } from '../../shared/errors.ts';
import { countTurnRefused, type RefusedTurn, watchTurns } from '../../shared/metrics/turns.ts';

const RETRY_AFTER_SECONDS = 5;

export type TurnsLimits = {
  /** Pieces of work that run at a time. */
  atOnce: number;
  /** Pieces that wait at a time, of all keys together. */
  longestQueue: number;
  /** How long a piece may wait, and how long it may run, in milliseconds. */
  longestMs?: number;
};

/** A piece of work, and those who wait for what comes of it. */
type Turn = {
  readonly key: string;
  readonly what: string;
  readonly work: (signal: AbortSignal) => Promise<unknown>;
  /** Ends the work: nobody waits for it any more, or it took too long. */
  readonly end: AbortController;
  readonly result: PromiseWithResolvers<unknown>;
  requests: number;
  timer: NodeJS.Timeout;
};

/** A signal that never comes. */
const NEVER = new AbortController().signal;

/**
 * Lets work on one key run one at a time, and at most `atOnce` pieces in all. Checkouts hold a database connection
 * while Stripe answers: without this, one impatient user or a slow Stripe would take all of the pool.
 *
 * A key has at most one piece running and one waiting, so that whoever comes next waits for the others once and not
 * for all that one of them has asked for. Who asks for what already waits shares what comes of it. A turn is over when
 * everybody who asked for it has gone, or when it takes too long.
 */
export class Turns {
  readonly #limits: Required<TurnsLimits>;
  readonly #running = new Map<string, Turn>();
  readonly #waiting = new Map<string, Turn>();

  constructor(limits: TurnsLimits) {
    this.#limits = { longestMs: 10 * SECOND, ...limits };
    watchTurns(() => ({ running: this.#running.size, waiting: this.#waiting.size }));
  }

  /**
   * @param what names what the work comes to: work of one key and one name is the same work
   * @param work has to end soon when its signal says so
   * @param hangUp aborted when nobody waits for this answer any more
   * @throws {HttpError} 429 when the key has something else waiting already, 503 when too many wait or it takes too
   *   long; what the work throws
   */
  async run<T>(
    { key, what, hangUp = NEVER }: { key: string; what: string; hangUp?: AbortSignal | undefined },
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const waiting = this.#waiting.get(key);
    if (waiting && waiting.what !== what) {
      countTurnRefused('another_waits');
      throw HttpError.tooManyRequests(
        'Another purchase of yours waits already: wait for it',
        RETRY_AFTER_SECONDS,
      );
    }
    const turn = waiting ?? this.#queue(key, what, work);
    return (await this.#share(turn, hangUp)) as T;
  }

  /** Waits for a turn's result, as long as somebody waits for ours. */
  #share(turn: Turn, hangUp: AbortSignal): Promise<unknown> {
    turn.requests += 1;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(toError(hangUp.reason));
        turn.requests -= 1;
        if (turn.requests === 0) this.#abandon(turn, toError(hangUp.reason));
      };
      if (hangUp.aborted) return leave();
      hangUp.addEventListener('abort', leave, { once: true });
      const settled = (): void => hangUp.removeEventListener('abort', leave);
      turn.result.promise.finally(settled).then(resolve, reject);
    });
  }

  #queue(key: string, what: string, work: Turn['work']): Turn {
    const startsNow = this.#mayStart(key);
    if (!startsNow && this.#waiting.size >= this.#limits.longestQueue) throw busy('queue_full');
    const turn: Turn = {
      key,
      what,
      work,
      end: new AbortController(),
      result: Promise.withResolvers(),
      requests: 0,
      timer: setTimeout(() => this.#abandon(turn, busy('waited_too_long')), this.#limits.longestMs),
    };
    // Whoever asked may be gone by the time it fails.
    turn.result.promise.catch(() => undefined);
    if (startsNow) this.#start(turn);
    else this.#waiting.set(key, turn);
    return turn;
  }

  #start(turn: Turn): void {
    this.#running.set(turn.key, turn);
    clearTimeout(turn.timer);
    turn.timer = setTimeout(() => turn.end.abort(busy('took_too_long')), this.#limits.longestMs);
    void turn
      .work(turn.end.signal)
      .then(turn.result.resolve, turn.result.reject)
      .finally(() => {
        clearTimeout(turn.timer);
        this.#running.delete(turn.key);
        this.#startNext();
      });
  }

  /** A turn that waits is dropped; one that runs is told to end, and gives its place back when it has. */
  #abandon(turn: Turn, reason: Error): void {
    if (this.#running.get(turn.key) === turn) {
      turn.end.abort(reason);
      return;
    }
    clearTimeout(turn.timer);
    if (this.#waiting.get(turn.key) === turn) this.#waiting.delete(turn.key);
    turn.result.reject(reason);
  }

  /** In the order in which they came: each key has one in the queue. */
  #startNext(): void {
    for (const [key, turn] of this.#waiting) {
      if (this.#running.size >= this.#limits.atOnce) return;
      if (!this.#mayStart(key)) continue;
      this.#waiting.delete(key);
      this.#start(turn);
    }
  }

  #mayStart(key: string): boolean {
    return this.#running.size < this.#limits.atOnce && !this.#running.has(key);
  }
}

function busy(why: Exclude<RefusedTurn, 'another_waits'>): HttpError {
  countTurnRefused(why);
  return HttpError.unavailable('busy', 'Too many purchases are waiting: try again soon', RETRY_AFTER_SECONDS);
}
