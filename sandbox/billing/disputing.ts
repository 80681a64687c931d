import type Stripe from 'stripe';
import { DAY } from '../config.ts';
import { emit, update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { previousAttributes, snapshot } from '../state/snapshot.ts';
import type { StoredCharge, StoredDispute } from '../state/tables.ts';
import type { World } from '../world.ts';
import { recordTransaction } from './balance.ts';

export interface DisputeOptions {
  /** Minor units; the whole charge when absent. */
  amount?: number | undefined;
  reason?: string | undefined;
  /** An inquiry, which moves no money yet. */
  inquiry?: boolean | undefined;
}

/** The customer's bank takes a payment back, or asks about it. It may do so several times for one charge. */
export function openDispute(world: World, charge: StoredCharge, options: DisputeOptions = {}): StoredDispute {
  if (charge.status !== 'succeeded')
    throw ApiError.invalid(`This charge has not succeeded, so it cannot be disputed: ${charge.id}`, 'charge');
  const dispute = newDispute(world, charge, options);
  update(world, 'charge.updated', charge, (changed) => {
    changed.disputed = true;
  });
  emit(world, 'charge.dispute.created', dispute);
  if (options.inquiry) return dispute;
  const { amount, currency } = dispute;
  dispute.balance_transactions.push(recordTransaction(world, 'dispute', -amount, currency, dispute.id));
  emit(world, 'charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/** The bank decides, or an inquiry ends without a dispute. */
export function closeDispute(world: World, dispute: StoredDispute, outcome: 'won' | 'lost'): void {
  if (['won', 'lost', 'warning_closed'].includes(dispute.status)) return;
  const before = snapshot(dispute);
  const isInquiry = dispute.status.startsWith('warning_');
  dispute.status = isInquiry ? 'warning_closed' : outcome;
  dispute.evidence_details.due_by = null;
  emit(world, 'charge.dispute.closed', dispute, previousAttributes(before, snapshot(dispute)));
  if (isInquiry || outcome === 'lost') return;
  const { amount, currency } = dispute;
  dispute.balance_transactions.push(
    recordTransaction(world, 'dispute_reversal', amount, currency, dispute.id),
  );
  emit(world, 'charge.dispute.funds_reinstated', dispute);
}

function newDispute(world: World, charge: StoredCharge, options: DisputeOptions): StoredDispute {
  return world.tables.disputes.insert({
    id: `du_1${world.ids.text(23)}`,
    object: 'dispute',
    amount: options.amount ?? charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: world.clock.now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: world.clock.now + 9 * DAY,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'manual',
    },
    intended_submission_method: null,
    is_charge_refundable: Boolean(options.inquiry),
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      type: 'card',
      card: {
        brand: 'visa',
        case_type: options.inquiry ? 'inquiry' : 'chargeback',
        network: 'visa',
        network_reason_code: '10.4',
      },
    },
    reason: options.reason ?? 'fraudulent',
    status: options.inquiry ? 'warning_needs_response' : 'needs_response',
  });
}

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
