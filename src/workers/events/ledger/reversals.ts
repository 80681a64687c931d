import type { MikroORM } from '@mikro-orm/postgresql';
import { type JsonRow, Rows, type Transaction } from '../../../shared/database/index.ts';
import { Dispute } from '../../../shared/entities/index.ts';
import type { CreditNoteFacts, DisputeFacts } from '../../../shared/stripe/facts/index.ts';

/**
 * Disputes and credit notes: rare, and nothing else is decided by their rows in the same breath. So the survey of what a
 * unit of work may touch leaves them out, and who needs them asks.
 */

/** Every dispute of a charge so far, those included that this transaction has written. */
export async function disputesOf(
  orm: MikroORM,
  transaction: Transaction,
  chargeId: string,
): Promise<Dispute[]> {
  const [found] = await transaction.ask<{ rows: JsonRow[] | null }>(
    'select json_agg(disputes order by id) as rows from disputes where stripe_charge_id = $1',
    [chargeId],
  );
  return new Rows<Dispute>(orm, Dispute, 'stripeDisputeId').take(found?.rows);
}

/** Writes down where a dispute stands. The caller holds the lock of its charge and knows that this is newer. */
export function keepDispute(
  transaction: Transaction,
  chargeId: string,
  facts: DisputeFacts,
  seenAt: Date,
): void {
  transaction.tell(
    `insert into disputes (stripe_dispute_id, stripe_charge_id, stripe_payment_intent_id, amount, currency, status,
       reason, created_at, snapshot_at, livemode)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (stripe_dispute_id) do update
       set amount = excluded.amount, status = excluded.status, reason = excluded.reason,
         snapshot_at = excluded.snapshot_at`,
    [
      facts.id,
      chargeId,
      facts.intentId,
      facts.amount,
      facts.currency,
      facts.status,
      facts.reason,
      facts.created.toISOString(),
      seenAt.toISOString(),
      facts.livemode,
    ],
  );
}

/** Writes down a credit note. One that is void stays so, whichever of its events comes last. */
export function keepCreditNote(transaction: Transaction, facts: CreditNoteFacts): void {
  transaction.tell(
    `insert into credit_notes (stripe_credit_note_id, stripe_invoice_id, amount, currency, status, created_at, livemode)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (stripe_credit_note_id) do update
       set status = excluded.status where credit_notes.status <> 'void'`,
    [
      facts.id,
      facts.invoiceId,
      facts.afterPayment,
      facts.currency,
      facts.status,
      facts.created.toISOString(),
      facts.livemode,
    ],
  );
}
