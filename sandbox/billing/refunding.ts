import type Stripe from 'stripe';
import { emit, update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { previousAttributes, snapshot } from '../state/snapshot.ts';
import type { StoredCharge, StoredRefund } from '../state/tables.ts';
import type { World } from '../world.ts';
import { recordTransaction } from './balance.ts';

export interface RefundOptions {
  /** Minor units; everything that is left when absent. */
  amount?: number | undefined;
  reason?: 'duplicate' | 'fraudulent' | 'requested_by_customer' | undefined;
  metadata?: Stripe.Metadata | null | undefined;
}

/** Gives money back. */
export function refundCharge(world: World, charge: StoredCharge, options: RefundOptions = {}): StoredRefund {
  const left = charge.amount_captured - charge.amount_refunded;
  const amount = options.amount ?? left;
  if (charge.status !== 'succeeded') {
    throw ApiError.invalid(`This charge has not succeeded, so it cannot be refunded: ${charge.id}`, 'charge');
  }
  if (left === 0) {
    throw ApiError.invalid(
      `Charge ${charge.id} has already been refunded.`,
      'charge',
      'charge_already_refunded',
    );
  }
  if (amount > left || amount < 1) {
    const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`;
    throw ApiError.invalid(message, 'amount', 'amount_too_large');
  }
  const refund = newRefund(world, charge, amount, options);
  const before = snapshot(charge);
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount_captured;
  emit(world, 'refund.created', refund);
  emit(world, 'charge.refunded', charge, previousAttributes(before, snapshot(charge)));
  // The bank's reference arrives a moment after the refund itself.
  update(world, 'refund.updated', refund, (changed) => {
    changed.destination_details = {
      card: {
        reference: world.ids.text(14),
        reference_status: 'available',
        reference_type: 'acquirer_reference_number',
        type: 'refund',
      },
      type: 'card',
    };
  });
  emit(world, 'charge.refund.updated', refund);
  return refund;
}

/** A refund that had succeeded comes back: the customer's bank would not take it. */
export function failRefund(world: World, refund: StoredRefund): void {
  if (refund.status === 'failed') return;
  const charge = world.tables.charges.must(refund.charge);
  charge.amount_refunded -= refund.amount;
  charge.refunded = false;
  const transaction = recordTransaction(world, 'refund_failure', refund.amount, refund.currency, refund.id);
  update(world, 'refund.updated', refund, (changed) => {
    changed.status = 'failed';
    changed.failure_reason = 'lost_or_stolen_card';
    changed.failure_balance_transaction = transaction.id;
  });
  emit(world, 'charge.refund.updated', refund);
  emit(world, 'refund.failed', refund);
}

function newRefund(world: World, charge: StoredCharge, amount: number, options: RefundOptions): StoredRefund {
  const id = `re_3${world.ids.text(23)}`;
  return world.tables.refunds.insert({
    id,
    object: 'refund',
    amount,
    balance_transaction: recordTransaction(world, 'refund', -amount, charge.currency, id).id,
    charge: charge.id,
    created: world.clock.now,
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    metadata: options.metadata ?? {},
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: options.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  });
}
