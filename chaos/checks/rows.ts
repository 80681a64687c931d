import { pino } from 'pino';
import { openDatabase } from '../../src/shared/database/index.ts';
import { readWorkerConfig } from '../../src/workers/config.ts';
import { type FinalState, facts, finalState } from '../../test/resilience/support/final-state.ts';

/** What a database says at the end. */
export type Ending = { readonly state: FinalState; readonly facts: readonly string[] };

/** Facts that do not depend on when one hears of them: money that came and money that went back. */
const TIMELESS = /^payment_(succeeded|refunded):/;

/** @param env what a worker of that installation is told */
export async function endingOf(env: Readonly<Record<string, string>>): Promise<Ending> {
  const orm = await openDatabase(readWorkerConfig(env).database, pino({ level: 'silent' }));
  try {
    return { state: await finalState(orm), facts: (await facts(orm)).map(({ fact }) => fact) };
  } finally {
    await orm.close();
  }
}

/** @returns how a run ended unlike the run in which nothing was broken, in words */
export function differences(run: Ending, calm: Ending): string[] {
  const tables = Object.keys(calm.state) as (keyof FinalState)[];
  const rows = tables.flatMap((table) => {
    const wanted = byName(calm.state, table);
    const found = byName(run.state, table);
    return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((key) => {
      const [want, have] = [wanted.get(key), found.get(key)];
      if (want === undefined) return [`${table} ${key}: only after the faults: ${JSON.stringify(have)}`];
      if (have === undefined) return [`${table} ${key}: missing after the faults: ${JSON.stringify(want)}`];
      const unlike = Object.keys({ ...want, ...have })
        .filter((column) => JSON.stringify(want[column]) !== JSON.stringify(have[column]))
        .map(
          (column) =>
            `${column} is ${JSON.stringify(have[column])}, and ${JSON.stringify(want[column])} without faults`,
        );
      return unlike.length === 0 ? [] : [`${table} ${key}: ${unlike.join('; ')} in ${JSON.stringify(have)}`];
    });
  });
  const timeless = ({ facts: all }: Ending): Set<string> =>
    new Set(all.filter((fact) => TIMELESS.test(fact)));
  const [told, toTell] = [timeless(run), timeless(calm)];
  return [
    ...rows,
    ...[...toTell].filter((fact) => !told.has(fact)).map((fact) => `never told: ${fact}`),
    ...[...told].filter((fact) => !toTell.has(fact)).map((fact) => `told though it never was so: ${fact}`),
  ];
}

/** What a row of each table is called, together. A payment for which no card was asked has an invoice and no intent. */
const NAMES: Readonly<Record<keyof FinalState, readonly string[]>> = {
  premium: ['id'],
  subscriptions: ['stripe_subscription_id'],
  payments: ['stripe_payment_intent_id', 'stripe_invoice_id'],
  customers: ['stripe_customer_id'],
  links: ['stripe_payment_intent_id', 'stripe_invoice_id'],
  open: ['id'],
};

const LIVE = new Set<unknown>(['active', 'past_due', 'unpaid']);

function byName(state: FinalState, table: keyof FinalState): Map<string, Record<string, unknown>> {
  const rows = state[table];
  const named = new Map(
    rows.map((row) => [NAMES[table].map((column) => row[column]).join(' '), relevant(row)]),
  );
  if (named.size < rows.length)
    throw new Error(`Two rows of ${table} have one name: one would hide the other`);
  return named;
}

/**
 * Whether a subscription ran beside another says something while it lives. Of one that has ended it only tells
 * whether the service heard of it in time.
 */
function relevant(row: Record<string, unknown>): Record<string, unknown> {
  return 'is_duplicate' in row && !LIVE.has(row.status) ? { ...row, is_duplicate: undefined } : row;
}
