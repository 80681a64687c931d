import type Stripe from 'stripe';
import { DAY } from '../config.ts';
import type { World } from '../world.ts';

/** Stripe's European card price: 1.5 % and 25 cents. */
const FEE_PERCENT = 1.5;
const FEE_FIXED = 25;
/** What a dispute costs, in minor units. */
const DISPUTE_FEE = 20_00;

type Kind = 'charge' | 'refund' | 'refund_failure' | 'dispute' | 'dispute_reversal';

/**
 * Money that moves on the account's balance.
 * @param amount minor units, negative when the money leaves
 */
export function recordTransaction(
  world: World,
  kind: Kind,
  amount: number,
  currency: string,
  source: string,
): Stripe.BalanceTransaction {
  const fee = feeOf(kind, amount);
  const isDispute = kind === 'dispute' || kind === 'dispute_reversal';
  return world.tables.balanceTransactions.insert({
    id: `txn_3${world.ids.text(23)}`,
    object: 'balance_transaction',
    amount,
    available_on: world.clock.now + 7 * DAY,
    balance_type: 'payments',
    created: world.clock.now,
    currency,
    description: null,
    exchange_rate: null,
    fee,
    fee_details: fee
      ? [
          {
            amount: fee,
            application: null,
            currency,
            description: 'Stripe processing fees',
            type: 'stripe_fee',
          },
        ]
      : [],
    net: amount - fee,
    reporting_category: kind,
    source,
    status: 'pending',
    type: isDispute ? 'adjustment' : kind,
  });
}

function feeOf(kind: Kind, amount: number): number {
  if (kind === 'charge') return Math.round((amount * FEE_PERCENT) / 100) + FEE_FIXED;
  if (kind === 'dispute') return DISPUTE_FEE;
  return kind === 'dispute_reversal' ? -DISPUTE_FEE : 0;
}
