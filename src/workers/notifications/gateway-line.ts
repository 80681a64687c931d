import { SECOND } from '../../shared/duration.ts';
import { AppError, toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { GatewayRefused, MOST_CONNECTIONS } from './gateway-client.ts';
import type { Ration } from './ration.ts';

/** The gateway limits, and the message was not offered to it: who cannot wait does something else. */
export class GatewayResting extends AppError {
  constructor() {
    super('The gateway limits: the message waits for its turn');
  }
}

/** Somebody else has taken the message over while it stood in line. */
export class TakenOver extends AppError {
  constructor() {
    super('The message has been taken over by another process');
  }
}

/** How a message stands in line. */
export type Standing = {
  /** Who goes first: the highest. */
  readonly rank: number;
  /** Aborted by who does not want to wait any more. Absent: not to wait at all while the gateway limits. */
  readonly patience?: AbortSignal;
  /** Asked at the last moment: whether it still is this one's to send. */
  readonly isStillOurs?: () => boolean;
};

type Waiting = Standing & { enter(hasTurn: boolean): void; leave(reason: Error): void };

/** Before Redis is asked again for turns after it did not answer. */
const ASK_AGAIN_MS = SECOND / 2;

/**
 * Where messages wait for the gateway: as many are under way at a time as there are connections, and while it limits
 * only those that have a turn of the {@link Ration}. That the gateway refuses everybody for now uses up nothing: who is
 * patient stands in line again.
 */
export class GatewayLine {
  readonly #ration: Ration;
  readonly #logger: Logger;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;
  #turns = 0;
  #asking = false;

  constructor(deps: { ration: Ration; logger: Logger }) {
    this.#ration = deps.ration;
    this.#logger = deps.logger;
  }

  /**
   * Calls the gateway when the turn comes.
   * @throws {GatewayResting} when it cannot wait and the gateway limits; what `call` failed with; what `patience` was
   * aborted with
   */
  async pass(call: () => Promise<void>, standing: Standing): Promise<void> {
    await this.#ration.look();
    for (;;) {
      const hasTurn = await this.#enter(standing);
      try {
        if (standing.isStillOurs?.() === false) throw new TakenOver();
        await call();
        this.#ended(hasTurn, true);
        return;
      } catch (thrown) {
        if (!(thrown instanceof GatewayRefused && thrown.isForAll)) {
          this.#ended(hasTurn, false);
          throw thrown;
        }
        // Nobody else sets out while Redis is being told: that is known here at once.
        await this.#ration.refused(thrown, hasTurn);
        if (standing.patience === undefined) throw thrown;
      } finally {
        this.#underWay -= 1;
        this.#move();
      }
    }
  }

  #ended(hadTurn: boolean, taken: boolean): void {
    if (hadTurn) this.#ration.turnEnded(taken);
    else if (taken) this.#ration.takenUnasked();
  }

  /** @returns whether it has a turn; without one it needed none */
  #enter(standing: Standing): Promise<boolean> {
    const { rank, patience } = standing;
    return new Promise((resolve, reject) => {
      if (patience?.aborted) return reject(toError(patience.reason));
      const give = (): void => waiting.leave(toError(patience?.reason));
      const done = (): void => patience?.removeEventListener('abort', give);
      const waiting: Waiting = {
        ...standing,
        enter: (hasTurn) => {
          done();
          resolve(hasTurn);
        },
        leave: (reason) => {
          done();
          const at = this.#waiting.indexOf(waiting);
          if (at >= 0) this.#waiting.splice(at, 1);
          reject(reason);
        },
      };
      patience?.addEventListener('abort', give, { once: true });
      // Among equals, first come, first served.
      const before = this.#waiting.findIndex((other) => other.rank < rank);
      this.#waiting.splice(before < 0 ? this.#waiting.length : before, 0, waiting);
      this.#move();
    });
  }

  /** Lets in whoever may go. */
  #move(): void {
    if (this.#ration.isLimited) this.#turnAwayImpatient();
    else this.#turns = 0;
    while (this.#waiting.length > 0 && this.#underWay < MOST_CONNECTIONS) {
      const hasTurn = this.#ration.isLimited;
      if (hasTurn && this.#turns === 0) {
        void this.#askForTurns();
        return;
      }
      if (hasTurn) this.#turns -= 1;
      this.#underWay += 1;
      this.#waiting.shift()?.enter(hasTurn);
    }
    // Those for whom they were have left: a turn that nobody ends would hold up the next portion.
    if (this.#waiting.length === 0) for (; this.#turns > 0; this.#turns -= 1) this.#ration.turnEnded(false);
  }

  #turnAwayImpatient(): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.patience === undefined) waiting.leave(new GatewayResting());
    }
  }

  async #askForTurns(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    let waitMs = ASK_AGAIN_MS;
    try {
      const turns = await this.#ration.take(
        Math.min(this.#waiting.length, MOST_CONNECTIONS - this.#underWay),
      );
      if (turns !== 'free') this.#turns += turns.given;
      waitMs = turns === 'free' || turns.given > 0 ? 0 : turns.waitMs;
    } catch (thrown) {
      this.#logger.debug({ err: toError(thrown) }, 'Redis gives no turns');
    }
    const goOn = (): void => {
      this.#asking = false;
      this.#move();
    };
    if (waitMs === 0) goOn();
    else setTimeout(goOn, waitMs).unref();
  }
}
