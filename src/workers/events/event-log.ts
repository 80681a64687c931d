import type { Transaction } from '../../shared/database/index.ts';
import type { EventOutcome } from '../../shared/entities/index.ts';
import type { IncomingEvent, Verdict } from './event.ts';

/** An event and what became of it. */
export type JudgedEvent = { event: IncomingEvent; verdict: Verdict };

const COLUMNS = [
  'stripe_event_id',
  'event_type',
  'data',
  'stripe_created_at',
  'livemode',
  'processed',
  'processed_at',
  'outcome',
  'waiting_for',
  'error_message',
  'retry_count',
  'created_at',
] as const;

/**
 * Marks events as processed or as parked, in the transaction that applies them. Not through entities, as the other
 * tables are: of all that a unit of work writes this is the most, and the payload passes through as Stripe spelled it.
 */
export function logEvents(transaction: Transaction, judged: readonly JudgedEvent[], now: Date): void {
  if (judged.length === 0) return;
  const at = now.toISOString();
  const values = judged.flatMap((entry) => valuesOf(entry, at));
  const rows = judged.map((_, row) => {
    const places = COLUMNS.map((_, column) => `$${row * COLUMNS.length + column + 1}`);
    return `(${places.join(', ')})`;
  });
  transaction.tell(
    `insert into webhook_events (${COLUMNS.join(', ')}) values ${rows.join(', ')}
     on conflict (stripe_event_id) do update set
       processed = excluded.processed, processed_at = excluded.processed_at, outcome = excluded.outcome,
       waiting_for = excluded.waiting_for, error_message = excluded.error_message`,
    values,
  );
}

/** In the order of {@link COLUMNS}. */
function valuesOf({ event: { facts, payload }, verdict }: JudgedEvent, now: string): unknown[] {
  const parked = verdict.outcome === 'parked';
  const state = parked
    ? [
        false,
        null,
        null,
        verdict.waitingFor,
        `Nobody is known for ${verdict.waitingFor} yet; applied once that is known`,
      ]
    : [true, now, verdict.outcome satisfies EventOutcome, null, null];
  return [
    facts.id,
    facts.type.slice(0, 100),
    payload,
    facts.created.toISOString(),
    facts.livemode,
    ...state,
    0,
    now,
  ];
}
