import type Stripe from 'stripe';
import { MINUTE } from '../../shared/duration.ts';
import { PermanentError, toError } from '../../shared/errors.ts';
import { MissingAtStripe } from '../../shared/stripe/index.ts';
import type { DatabaseGate } from '../database-gate.ts';
import { GroupCommit } from '../group-commit.ts';
import type { IncomingEvent, ParsedEvent } from './event.ts';
import { recordFailure } from './failures.ts';
import type { Follow } from './follow.ts';
import { handlerOf } from './registry.ts';
import { StripeEnquiry } from './stripe-enquiry.ts';
import { AnswersAtHand } from './stripe-reads.ts';
import type { ReadyEvent, UnitOfWorkDeps } from './unit-of-work.ts';
import { applyWatched } from './watched-unit.ts';

export type ApplierDeps = UnitOfWorkDeps & {
  stripe: Stripe;
  gate: DatabaseGate;
  /** Whether our key is of live mode; events of the other mode are not ours. */
  livemode: boolean;
  follow: Follow;
};

/** Events in one transaction at most: more would hold locks long and gain little. */
const MOST_TOGETHER = 64;
/** Transactions at a time; each holds a connection. */
const GROUPS_AT_A_TIME = 2;
/** Events applied one by one at a time, each in a transaction of its own. */
const ALONE_AT_A_TIME = 4;
/** How often an event may come back for more of Stripe's word: more than any handler has questions. */
const MOST_ROUNDS = 20;

/** An object that Stripe still does not know after this long will not appear any more. */
export const MISSING_FOR_GOOD_MS = MINUTE;

type Applied = 'applied' | 'needs Stripe' | 'failed together';

/**
 * Applies events, many to a transaction where possible. One bad event cannot spoil its neighbours: those of a group that
 * fails are applied one by one, and each failure is its own. What needs Stripe's word leaves its group, waits for the
 * answer while it holds nothing, and joins a later one.
 */
export class EventApplier {
  readonly #deps: ApplierDeps;
  readonly #enquiry: StripeEnquiry;
  readonly #together: GroupCommit<ReadyEvent, Applied>;
  readonly #alone: GroupCommit<ReadyEvent, Applied>;

  constructor(deps: ApplierDeps) {
    this.#deps = deps;
    this.#enquiry = new StripeEnquiry(deps.stripe);
    this.#together = new GroupCommit({
      run: (ready) => this.#applyTogether(ready),
      maxSize: MOST_TOGETHER,
      maxInFlight: GROUPS_AT_A_TIME,
    });
    this.#alone = new GroupCommit({
      run: (ready) => this.#commit(ready),
      maxSize: 1,
      maxInFlight: ALONE_AT_A_TIME,
    });
  }

  /**
   * Resolves once the event is committed, together with its `processed` mark.
   * @throws {PermanentError} when it can never be applied as it is; anything else may work when tried again
   */
  apply({ event, object }: ParsedEvent): Promise<void> {
    // Not async, and nothing below holds the object: hundreds of events wait here at a time.
    let ready: ReadyEvent;
    try {
      ready = { event, prepared: this.#prepare(event, object), hand: new AnswersAtHand() };
    } catch (thrown) {
      return this.#failed(event, thrown);
    }
    return this.#applyReady(ready);
  }

  async #applyReady(ready: ReadyEvent): Promise<void> {
    try {
      let way = this.#together;
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const outcome = await way.submit(ready);
        if (outcome === 'applied') return;
        if (outcome === 'needs Stripe') ready = await this.#ask(ready);
        else way = this.#alone;
      }
      throw new Error(`${ready.event.facts.id} asked Stripe ${MOST_ROUNDS} times and still is not sure`);
    } catch (thrown) {
      await this.#failed(ready.event, thrown);
    }
  }

  /** @throws what it is given, once that is noted, or what it means by now */
  async #failed(event: IncomingEvent, thrown: unknown): Promise<never> {
    const failure = this.#isMissingForGood(event, thrown)
      ? new PermanentError(`${thrown.message}, and still not after a minute; retry it when Stripe does`, {
          cause: thrown,
        })
      : thrown;
    if (await this.#deps.gate.isUp()) await recordFailure(this.#deps, event, toError(failure));
    throw failure;
  }

  /** Stripe was asked twice: an object may be read before every server of Stripe's knows it. */
  #isMissingForGood({ missing }: IncomingEvent, thrown: unknown): thrown is MissingAtStripe {
    if (!(thrown instanceof MissingAtStripe) || missing?.id !== thrown.id) return false;
    return this.#deps.clock.now().getTime() - missing.at >= MISSING_FOR_GOOD_MS;
  }

  async #applyTogether(ready: readonly ReadyEvent[]): Promise<Applied[]> {
    const { gate, logger } = this.#deps;
    try {
      return await this.#commit(ready);
    } catch (thrown) {
      if (ready.length === 1 || !(await gate.isUp())) throw thrown;
      logger.warn(
        { err: toError(thrown), events: ready.map(({ event }) => event.facts.id) },
        `${ready.length} events failed together; applying them one by one`,
      );
      return ready.map(() => 'failed together');
    }
  }

  async #commit(ready: readonly ReadyEvent[]): Promise<Applied[]> {
    const committed = await applyWatched(this.#deps, ready);
    await this.#deps.follow(committed);
    const aside = new Set(committed.setAside);
    return ready.map((entry) => (aside.has(entry) ? 'needs Stripe' : 'applied'));
  }

  /** @returns the event with all that it needed, and with the names of rows that this leads to */
  async #ask(ready: ReadyEvent): Promise<ReadyEvent> {
    const { hand, prepared } = ready;
    await this.#enquiry.answer(hand);
    return { ...ready, prepared: (await prepared?.complete(hand)) ?? null };
  }

  /** @throws PermanentError when the payload's shape is unknown */
  #prepare({ facts }: IncomingEvent, object: unknown): ReadyEvent['prepared'] {
    if (facts.livemode !== this.#deps.livemode) return null;
    return handlerOf(facts.type)?.(object) ?? null;
  }
}
