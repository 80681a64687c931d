import type { JsonRow, Transaction } from '../../../shared/database/index.ts';
import { type Keys, lockNames } from './keys.ts';

/** What a unit of work needs to know of the database. */
export type Survey = {
  /** Of the unit's own Stripe events those that have been processed before. */
  processed: string[] | null;
  /** Which intent paid which invoice. */
  links: [invoiceId: string, intentId: string][] | null;
  /** The customers that the users' new checkouts use; read only while somebody's customer is not known. */
  preferred: JsonRow[] | null;
} & Record<'customers' | 'sessions' | 'users' | 'subscriptions' | 'payments', JsonRow[] | null>;

/**
 * Locks all that the keys lead to, and reads it, in one round trip: the names that the events carry, the intents linked
 * to them, then everybody whose they may be, each before what it protects is read (`migrations/` has the function).
 */
export async function survey(
  transaction: Transaction,
  keys: Keys,
  eventIds: readonly string[],
): Promise<Survey> {
  const { invoices, intents, charges, customers, sessions, subscriptions, users, emails } = keys;
  const named = [invoices, intents, charges, customers, sessions, subscriptions, users, emails];
  const [row] = await transaction.ask<{ survey: Survey }>(
    // The survey forbids reading whole tables. Where there is no other way PostgreSQL before 18 takes that for a very
    // expensive plan, and compiles it (JIT): seventy milliseconds for a statement of one.
    `select survey_ledger_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as survey from set_config('jit', 'off', true)`,
    [lockNames(keys, eventIds), eventIds, ...named.map((set) => [...set])],
  );
  if (!row) throw new Error('PostgreSQL answered nothing to a survey');
  return row.survey;
}
