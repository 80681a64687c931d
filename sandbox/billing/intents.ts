import type Stripe from 'stripe';
import { emit } from '../events/emit.ts';
import { snapshot } from '../state/snapshot.ts';
import type { StoredCharge, StoredPaymentIntent, StoredPaymentMethod } from '../state/tables.ts';
import type { World } from '../world.ts';
import { recordTransaction } from './balance.ts';
import { CARDS, type Outcome, type TestCard } from './cards.ts';

/** Whether the holder of the card is there to confirm. */
export type Holder = 'present' | 'absent';

export type IntentResult = 'succeeded' | 'failed' | 'requires_action' | 'processing';

type Decline = Extract<Outcome, { kind: 'declines' }>;

const AUTHENTICATION_REFUSED: Decline = {
  kind: 'declines',
  code: 'payment_intent_authentication_failure',
  declineCode: undefined,
  message: 'The provided payment method has failed authentication.',
};
const DEBIT_RETURNED: Decline = {
  kind: 'declines',
  code: 'payment_intent_payment_attempt_failed',
  declineCode: 'insufficient_funds',
  message: 'The payment failed.',
};

export interface IntentOptions {
  /** Minor units of `currency`. */
  amount: number;
  currency: string;
  customer: string | null;
  description: string | null;
  metadata?: Stripe.Metadata;
}

/** A payment intent that waits for a payment method. */
export function createIntent(world: World, options: IntentOptions): StoredPaymentIntent {
  const id = `pi_3${world.ids.text(23)}`;
  const intent: StoredPaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: options.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${world.ids.text(25)}`,
    confirmation_method: 'automatic',
    created: world.clock.now,
    currency: options.currency,
    customer: options.customer,
    customer_account: null,
    description: options.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: options.metadata ?? {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card', 'sepa_debit'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: options.customer ? 'off_session' : null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
  world.tables.paymentIntents.insert(intent);
  emit(world, 'payment_intent.created', intent);
  return intent;
}

/** Tries to pay, and says how it went in the intent, a charge and their events. */
export function confirmIntent(
  world: World,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  holder: Holder,
): IntentResult {
  const card = cardOf(world, method);
  const outcome = holder === 'present' ? card.present : card.absent;
  switch (outcome.kind) {
    case 'succeeds':
      return succeed(world, intent, method);
    case 'declines':
      return fail(world, intent, method, outcome);
    case 'authenticates':
      return requireAction(world, intent, method);
    case 'settles':
      return process(world, intent, method, outcome.later);
  }
}

/** The holder answers the bank's question. */
export function authenticateIntent(
  world: World,
  intent: StoredPaymentIntent,
  accepted: boolean,
): IntentResult {
  const method = methodOf(world, intent);
  intent.next_action = null;
  return accepted ? succeed(world, intent, method) : fail(world, intent, method, AUTHENTICATION_REFUSED);
}

/** The bank reports on a payment that was processing. */
export function settleIntent(world: World, intent: StoredPaymentIntent, succeeds: boolean): IntentResult {
  const method = methodOf(world, intent);
  return succeeds ? succeed(world, intent, method) : fail(world, intent, method, DEBIT_RETURNED);
}

/** Whether a processing payment will succeed in the end. */
export function settlesWell(world: World, intent: StoredPaymentIntent): boolean {
  return world.tables.debitOutcomes.get(intent.id) !== 'fails';
}

/** Gives up on an intent that nobody will pay any more. */
export function cancelIntent(
  world: World,
  intent: StoredPaymentIntent,
  reason: Stripe.PaymentIntent.CancellationReason,
): void {
  if (intent.status === 'succeeded' || intent.status === 'canceled') return;
  intent.status = 'canceled';
  intent.canceled_at = world.clock.now;
  intent.cancellation_reason = reason;
  intent.next_action = null;
  emit(world, 'payment_intent.canceled', intent);
}

function succeed(world: World, intent: StoredPaymentIntent, method: StoredPaymentMethod): IntentResult {
  const pending = intent.latest_charge ? world.tables.charges.must(intent.latest_charge) : null;
  const charge =
    pending?.status === 'pending' ? pending : createCharge(world, intent, method, { kind: 'succeeds' });
  charge.status = 'succeeded';
  charge.paid = true;
  charge.balance_transaction = recordTransaction(
    world,
    'charge',
    charge.amount,
    charge.currency,
    charge.id,
  ).id;
  intent.status = 'succeeded';
  intent.amount_received = intent.amount;
  intent.payment_method = method.id;
  intent.latest_charge = charge.id;
  intent.last_payment_error = null;
  intent.next_action = null;
  intent.processing = null;
  emit(world, 'charge.succeeded', charge);
  emit(world, 'payment_intent.succeeded', intent);
  return 'succeeded';
}

function fail(
  world: World,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  outcome: Decline,
): IntentResult {
  const pending = intent.latest_charge ? world.tables.charges.must(intent.latest_charge) : null;
  // A refused authentication never reaches the card network, so there is no charge to fail.
  const charge =
    outcome === AUTHENTICATION_REFUSED
      ? null
      : pending?.status === 'pending'
        ? pending
        : createCharge(world, intent, method, outcome);
  if (charge) {
    charge.status = 'failed';
    charge.paid = false;
    charge.failure_code = outcome.code;
    charge.failure_message = outcome.message;
    intent.latest_charge = charge.id;
  }
  intent.status = 'requires_payment_method';
  intent.payment_method = null;
  intent.next_action = null;
  intent.processing = null;
  intent.last_payment_error = {
    type: outcome === AUTHENTICATION_REFUSED ? 'invalid_request_error' : 'card_error',
    code: outcome.code,
    ...(outcome.declineCode && { decline_code: outcome.declineCode }),
    message: outcome.message,
    ...(charge && { charge: charge.id }),
    payment_method: snapshot(method),
    doc_url: `https://stripe.com/docs/error-codes/${outcome.code.replaceAll('_', '-')}`,
  };
  if (charge) emit(world, 'charge.failed', charge);
  emit(world, 'payment_intent.payment_failed', intent);
  return 'failed';
}

function requireAction(world: World, intent: StoredPaymentIntent, method: StoredPaymentMethod): IntentResult {
  intent.status = 'requires_action';
  intent.payment_method = method.id;
  intent.next_action = {
    type: 'redirect_to_url',
    redirect_to_url: { url: `${world.baseUrl}/3ds/${intent.id}`, return_url: null },
  };
  emit(world, 'payment_intent.requires_action', intent);
  return 'requires_action';
}

function process(
  world: World,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  later: 'succeeds' | 'fails',
): IntentResult {
  world.tables.debitOutcomes.set(intent.id, later);
  const charge = createCharge(world, intent, method, { kind: 'succeeds' });
  charge.status = 'pending';
  charge.paid = false;
  intent.status = 'processing';
  intent.payment_method = method.id;
  intent.latest_charge = charge.id;
  intent.last_payment_error = null;
  emit(world, 'charge.pending', charge);
  emit(world, 'payment_intent.processing', intent);
  return 'processing';
}

function createCharge(
  world: World,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  outcome: Outcome,
): StoredCharge {
  const declined = outcome.kind === 'declines';
  const charge: StoredCharge = {
    id: `ch_3${world.ids.text(23)}`,
    object: 'charge',
    amount: intent.amount,
    amount_captured: declined ? 0 : intent.amount,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: 'MATCHA',
    captured: !declined,
    created: world.clock.now,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: {
      advice_code: declined ? 'try_again_later' : null,
      network_advice_code: null,
      network_decline_code: declined ? '05' : null,
      network_status: declined ? 'declined_by_network' : 'approved_by_network',
      reason: declined ? (outcome.declineCode ?? outcome.code) : null,
      risk_level: 'normal',
      risk_score: 20,
      seller_message: declined ? 'The bank declined the payment.' : 'Payment complete.',
      type: declined ? 'issuer_declined' : 'authorized',
    },
    paid: !declined,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: chargeDetails(method),
    receipt_email: null,
    receipt_number: null,
    receipt_url: declined ? null : `${world.baseUrl}/receipts/${intent.id}`,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: declined ? 'failed' : 'succeeded',
    transfer_data: null,
    transfer_group: null,
  };
  return world.tables.charges.insert(charge);
}

function chargeDetails(method: StoredPaymentMethod): Stripe.Charge.PaymentMethodDetails {
  if (method.sepa_debit) {
    const { bank_code, branch_code, country, fingerprint, last4 } = method.sepa_debit;
    return {
      type: 'sepa_debit',
      sepa_debit: { bank_code, branch_code, country, fingerprint, last4, mandate: null },
    };
  }
  const { card } = method;
  if (!card) return { type: method.type };
  return {
    type: 'card',
    card: {
      amount_authorized: null,
      authorization_code: null,
      brand: card.brand,
      checks: card.checks,
      country: card.country,
      electronic_commerce_indicator: null,
      exp_month: card.exp_month,
      exp_year: card.exp_year,
      fingerprint: card.fingerprint ?? null,
      funding: card.funding,
      installments: null,
      last4: card.last4,
      mandate: null,
      network: card.brand,
      network_transaction_id: null,
      regulated_status: 'unregulated',
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    },
  };
}

function cardOf(world: World, method: StoredPaymentMethod): TestCard {
  return world.tables.cards.get(method.id) ?? CARDS.succeeds;
}

function methodOf(world: World, intent: StoredPaymentIntent): StoredPaymentMethod {
  if (!intent.payment_method) throw new Error(`${intent.id} has no payment method to go on with`);
  return world.tables.paymentMethods.must(intent.payment_method);
}
