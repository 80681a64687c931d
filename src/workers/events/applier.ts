import type Stripe from 'stripe';
import { toError } from '../../shared/errors.ts';
import type { DatabaseGate } from '../database-gate.ts';
import { GroupCommit } from '../group-commit.ts';
import type { IncomingEvent, ParsedEvent } from './event.ts';
import { recordFailure } from './failures.ts';
import type { Follow } from './follow.ts';
import { OwnAccount } from './own-account.ts';
import { handlerOf } from './registry.ts';
import { noReads, readsThrough, type StripeReads } from './stripe-reads.ts';
import type { ReadyEvent, UnitOfWorkDeps } from './unit-of-work.ts';
import { applyWatched } from './watched-unit.ts';

export type ApplierDeps = UnitOfWorkDeps & {
  stripe: Stripe;
  gate: DatabaseGate;
  follow: Follow;
};

/** Events in one transaction at most: more would hold locks long and gain little. */
const MOST_TOGETHER = 64;
/** Transactions at a time; each holds a connection. */
const GROUPS_AT_A_TIME = 2;
/** Events applied alone at a time; each may be waiting for Stripe while it holds a connection. */
const ALONE_AT_A_TIME = 4;

/**
 * Applies events, many to a transaction where possible. One bad event cannot spoil its neighbours: the events of a
 * group that fails, and those that need Stripe's word, are applied one by one, and each failure is its own.
 */
export class EventApplier {
  readonly #deps: ApplierDeps;
  readonly #reads: StripeReads;
  readonly #ownAccount: OwnAccount;
  readonly #together: GroupCommit<ReadyEvent, 'applied' | 'set aside'>;
  readonly #alone: GroupCommit<ReadyEvent, 'applied'>;

  constructor(deps: ApplierDeps) {
    this.#deps = deps;
    this.#reads = readsThrough(deps.stripe);
    this.#ownAccount = new OwnAccount(deps.stripe, deps.logger);
    this.#together = new GroupCommit({
      run: (ready) => this.#applyTogether(ready),
      maxSize: MOST_TOGETHER,
      maxInFlight: GROUPS_AT_A_TIME,
    });
    this.#alone = new GroupCommit({
      run: (ready) => this.#applyAlone(ready),
      maxSize: 1,
      maxInFlight: ALONE_AT_A_TIME,
    });
  }

  /**
   * Resolves once the event is committed, together with its `processed` mark.
   * @throws {PermanentError} when it can never be applied as it is; anything else may work when tried again
   */
  apply({ event, object }: ParsedEvent): Promise<void> {
    const { accountId } = event.facts;
    // Not async, and nothing below holds the object: hundreds of events wait here at a time.
    return accountId === null ? this.#applyRead(event, object) : this.#applyOf(accountId, event, object);
  }

  /** Another account's event changes nothing here, whatever its ids say, and is not even read. */
  async #applyOf(accountId: string, event: IncomingEvent, object: unknown): Promise<void> {
    let isOwn: boolean;
    try {
      isOwn = await this.#ownAccount.is(accountId);
    } catch (thrown) {
      return this.#failed(event, thrown);
    }
    return isOwn ? this.#applyRead(event, object) : this.#applyReady({ event, prepared: null });
  }

  #applyRead(event: IncomingEvent, object: unknown): Promise<void> {
    let ready: ReadyEvent;
    try {
      ready = { event, prepared: this.#prepare(event, object) };
    } catch (thrown) {
      return this.#failed(event, thrown);
    }
    return this.#applyReady(ready);
  }

  async #applyReady(ready: ReadyEvent): Promise<void> {
    try {
      if ((await this.#together.submit(ready)) === 'set aside') await this.#alone.submit(ready);
    } catch (thrown) {
      await this.#failed(ready.event, thrown);
    }
  }

  /** @throws what it is given, once that is noted */
  async #failed(event: IncomingEvent, thrown: unknown): Promise<never> {
    if (await this.#deps.gate.isUp()) await recordFailure(this.#deps, event, toError(thrown));
    throw thrown;
  }

  async #applyTogether(ready: readonly ReadyEvent[]): Promise<('applied' | 'set aside')[]> {
    const { gate, logger } = this.#deps;
    try {
      const committed = await applyWatched(this.#deps, ready, noReads);
      await this.#deps.follow(committed);
      const aside = new Set(committed.setAside);
      return ready.map((entry) => (aside.has(entry) ? 'set aside' : 'applied'));
    } catch (thrown) {
      if (!(await gate.isUp())) throw thrown;
      logger.warn(
        { err: toError(thrown), events: ready.map(({ event }) => event.facts.id) },
        `${ready.length} events failed together; applying them one by one`,
      );
      return ready.map(() => 'set aside');
    }
  }

  async #applyAlone(ready: readonly ReadyEvent[]): Promise<'applied'[]> {
    const completed = await Promise.all(
      ready.map(async ({ event, prepared }) => ({
        event,
        prepared: (await prepared?.complete(this.#reads)) ?? null,
      })),
    );
    await this.#deps.follow(await applyWatched(this.#deps, completed, this.#reads));
    return ready.map(() => 'applied');
  }

  /** @throws PermanentError when the payload's shape is unknown */
  #prepare({ facts }: IncomingEvent, object: unknown): ReadyEvent['prepared'] {
    if (facts.livemode !== this.#deps.livemode) return null;
    return handlerOf(facts.type)?.(object) ?? null;
  }
}
