import type { Transaction } from '../../shared/database/index.ts';
import type { EventOutcome } from '../../shared/entities/index.ts';
import type { IncomingEvent, Verdict } from './event.ts';

/** An event and what became of it. */
export type JudgedEvent = { event: IncomingEvent; verdict: Verdict };

/**
 * Marks events as processed or as parked, in the transaction that applies them. Not through entities, as the other
 * tables are: of all that a unit of work writes this is the most, and the payload passes through as Stripe spelled it.
 */
export function logEvents(transaction: Transaction, judged: readonly JudgedEvent[], now: Date): void {
  if (judged.length === 0) return;
  const at = now.toISOString();
  const payloads: Buffer[] = [];
  // As PostgreSQL counts.
  let from = 1;
  const events = judged.map(({ event: { facts, payload }, verdict }) => {
    const bytes = Buffer.from(payload);
    payloads.push(bytes);
    const row = {
      stripe_event_id: facts.id,
      event_type: facts.type.slice(0, 100),
      payload_from: from,
      payload_bytes: bytes.length,
      stripe_created_at: facts.created.toISOString(),
      livemode: facts.livemode,
      created_at: at,
      ...stateOf(verdict, at),
    };
    from += bytes.length;
    return row;
  });
  transaction.tell('select log_events_v1($1, $2)', [JSON.stringify(events), Buffer.concat(payloads)]);
}

function stateOf(verdict: Verdict, now: string): Record<string, unknown> {
  if (verdict.outcome !== 'parked') {
    return { processed: true, processed_at: now, outcome: verdict.outcome satisfies EventOutcome };
  }
  return {
    processed: false,
    waiting_for: verdict.waitingFor,
    error_message: `Nobody is known for ${verdict.waitingFor} yet; applied once that is known`,
  };
}
