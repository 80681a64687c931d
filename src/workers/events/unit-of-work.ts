import type { MikroORM } from '@mikro-orm/postgresql';
import type { Clock } from '../../shared/clock.ts';
import { inTransaction, type Transaction } from '../../shared/database/index.ts';
import type { Logger } from '../../shared/logger.ts';
import { settlePremium } from './books/premium-book.ts';
import type { AccessPolicy } from './books/reversal-book.ts';
import type { Catalog } from './catalog.ts';
import type { PreparedEvent } from './desk.ts';
import { IGNORED, type IncomingEvent, type Verdict } from './event.ts';
import { type JudgedEvent, logEvents } from './event-log.ts';
import { keysOf, Ledger, type Touches } from './ledger/index.ts';
import { type NewMessage, writeOutbox } from './outbox.ts';
import { type AnswersAtHand, StripeReadNeeded } from './stripe-reads.ts';

/** An event whose payload was understood, or one that nobody here handles, and what Stripe has answered for it so far. */
export type ReadyEvent = { event: IncomingEvent; prepared: PreparedEvent | null; hand: AnswersAtHand };

/** What a unit of work leaves to be done once it has committed. */
export type Committed = {
  messages: NewMessage[];
  /** Keys (`cus_…`, `pi_…`) that parked events may have been waiting for. */
  appeared: string[];
  /** Users whose premium seems to be over: they are told once Stripe has confirmed it. */
  endsToConfirm: number[];
};

export type UnitOptions = { quiet?: boolean | undefined; asked?: boolean | undefined };

export type UnitOfWorkDeps = {
  orm: MikroORM;
  catalog: Catalog;
  policy: AccessPolicy;
  clock: Clock;
  logger: Logger;
};

/**
 * Does work on locked rows in ONE transaction: rows, `users.premium` and the outbox commit together or not at all.
 * @param touches what the work may read or change
 * @param eventIds the Stripe events the work is about, if it is about any
 * @param options.quiet notes announcements as delivered instead of sending them
 * @param options.asked Stripe was asked about all that these users have: an end that shows is one
 * @throws whatever `work` threw; nothing is changed then
 */
export async function inUnitOfWork(
  deps: UnitOfWorkDeps,
  touches: readonly Touches[],
  eventIds: readonly string[],
  work: (ledger: Ledger, transaction: Transaction) => Promise<void>,
  { quiet = false, asked = false }: UnitOptions = {},
): Promise<Committed> {
  const { orm, clock } = deps;
  const { written, ...left } = await inTransaction(orm, async (transaction) => {
    const ledger = await Ledger.open(orm, transaction, keysOf(touches), eventIds);
    await work(ledger, transaction);
    await settlePremium({ ledger, ...deps, mayTellEnds: asked || quiet });
    ledger.write();
    joinPayments(transaction, ledger.appearedKeys());
    return {
      written: writeOutbox(transaction, ledger.announcements(), clock.now(), quiet),
      appeared: ledger.appearedKeys(),
      endsToConfirm: ledger.endsToConfirm(),
    };
  });
  return { messages: quiet ? [] : written(), ...left };
}

/**
 * Applies events as one unit of work, their own `processed` marks included.
 * @returns what is left to do, what became of each event, and the events that need more of Stripe's word than they have
 */
export async function applyTogether(
  deps: UnitOfWorkDeps,
  ready: readonly ReadyEvent[],
): Promise<Committed & { setAside: readonly ReadyEvent[]; judged: readonly JudgedEvent[] }> {
  const setAside: ReadyEvent[] = [];
  // By id: two jobs may carry the same event.
  const judged = new Map<string, JudgedEvent>();
  const committed = await inUnitOfWork(
    deps,
    ready.map(({ prepared }) => prepared?.touches ?? {}),
    ready.map(({ event }) => event.facts.id),
    async (ledger, transaction) => {
      for (const entry of ready) {
        const { id } = entry.event.facts;
        if (ledger.isProcessed(id) || judged.has(id)) continue;
        ledger.correlationId = entry.event.correlationId;
        const verdict = await judge(deps, entry, ledger);
        if (verdict === null) setAside.push(entry);
        else judged.set(id, { event: entry.event, verdict });
      }
      logEvents(transaction, [...judged.values()], deps.clock.now());
    },
  );
  return { ...committed, setAside, judged: [...judged.values()] };
}

/** @returns null when the event needs Stripe's word first */
async function judge(
  { catalog, policy, clock, logger }: UnitOfWorkDeps,
  { event, prepared, hand }: ReadyEvent,
  ledger: Ledger,
): Promise<Verdict | null> {
  if (prepared === null) return IGNORED;
  try {
    return await prepared.apply({ event: event.facts, ledger, reads: hand, catalog, policy, clock, logger });
  } catch (thrown) {
    if (thrown instanceof StripeReadNeeded) return null;
    throw thrown;
  }
}

/** Payments that came before their subscription find it now. */
function joinPayments(transaction: Transaction, appeared: readonly string[]): void {
  const subscriptions = appeared.filter((key) => key.startsWith('sub_'));
  if (subscriptions.length > 0) transaction.tell('select join_payments_v1($1)', [subscriptions]);
}
