import type { OldEra } from './eras.ts';

type Fields = Record<string, unknown>;

/** Fields that were added after the old versions, by kind of object. Adding is no breaking change, so Stripe sends them today. */
const ADDED: Record<string, string[]> = {
  subscription: [
    'billing_mode',
    'billing_schedules',
    'billing_cycle_anchor_config',
    'customer_account',
    'discounts',
    'managed_payments',
    'status_details',
  ],
  subscription_item: [
    'billed_until',
    'current_period_end',
    'current_period_start',
    'current_trial',
    'discounts',
  ],
  invoice: [
    'amount_overpaid',
    'amount_paid_off_stripe',
    'automatically_finalizes_at',
    'customer_account',
    'parent',
    'status_details',
    'total_pretax_credit_amounts',
    'total_taxes',
  ],
  line_item: ['parent', 'pretax_credit_amounts', 'pricing', 'quantity_decimal', 'subtotal', 'taxes'],
  payment_intent: [
    'allowed_payment_method_types',
    'customer_account',
    'excluded_payment_method_types',
    'managed_payments',
    'payment_record',
  ],
  refund: ['customer', 'customer_account', 'payment_method'],
  customer: ['customer_account'],
  'checkout.session': [
    'adaptive_pricing',
    'allowed_payment_method_types',
    'collected_information',
    'customer_account',
    'discounts',
    'integration_identifier',
    'managed_payments',
    'origin_context',
    'permissions',
    'wallet_options',
  ],
};

/** Takes away, at every depth, what a payload rendered back then could not have held. */
export function strip(value: unknown, era: OldEra): unknown {
  if (Array.isArray(value)) return value.map((each) => strip(each, era));
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Fields;
  const kind = String(fields.object);
  const gone = new Set(ADDED[kind]);
  if (kind === 'payment_intent' && era !== 'C') gone.add('latest_charge');
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([key]) => !gone.has(key))
      .map(([key, inner]) => [key, strip(inner, era)]),
  );
}
