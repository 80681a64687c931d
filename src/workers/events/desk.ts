import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import type { AccessPolicy } from './books/reversal-book.ts';
import type { Catalog } from './catalog.ts';
import type { IncomingEvent, Verdict } from './event.ts';
import type { Ledger, Touches } from './ledger/index.ts';
import { StripeReadNeeded, type StripeReads } from './stripe-reads.ts';

/** All that a handler works with while it applies one event. */
export type Desk = {
  /** `asked`: no event of Stripe's, but its answer to a question of ours. */
  event: IncomingEvent['facts'] & { asked?: true };
  ledger: Ledger;
  reads: StripeReads;
  catalog: Catalog;
  policy: AccessPolicy;
  clock: Clock;
  logger: Logger;
};

/** One event made ready: what it may touch, and how it is applied once that is locked and read. */
export type PreparedEvent = {
  touches: Touches;
  apply(desk: Desk): Promise<Verdict>;
  /** Adds what Stripe has told meanwhile and what leads to more rows, before those are locked. */
  complete(reads: StripeReads): Promise<PreparedEvent>;
};

/** @throws PermanentError when the object's shape is unknown */
export type EventHandler = (object: unknown) => PreparedEvent;

/**
 * Makes a handler from its parts. `apply` asks Stripe (`desk.reads`) before it changes any row: what is not at hand yet
 * makes it start anew once it is. What leads to more rows (more names) is `complete`'s to add, before they are locked.
 */
export function handler<F>(parts: {
  read(object: unknown): F;
  complete?(facts: F, reads: StripeReads): Promise<F>;
  touches(facts: F): Touches;
  apply(facts: F, desk: Desk): Promise<Verdict> | Verdict;
}): EventHandler {
  const prepare = (facts: F): PreparedEvent => ({
    touches: parts.touches(facts),
    apply: async (desk) => parts.apply(facts, desk),
    complete: async (reads) => {
      try {
        return prepare((await parts.complete?.(facts, reads)) ?? facts);
      } catch (thrown) {
        // Nobody has asked for it yet, and perhaps nobody has to.
        if (thrown instanceof StripeReadNeeded) return prepare(facts);
        throw thrown;
      }
    },
  });
  return (object) => prepare(parts.read(object));
}
