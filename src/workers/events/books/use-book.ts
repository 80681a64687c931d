import type { Payment, Subscription, UselessBecause } from '../../../shared/entities/index.ts';
import type { Desk } from '../desk.ts';

/**
 * Notes which payments at hand brought their user nothing: money that was taken with nothing given is never silent.
 * Asked of them again whenever they are at hand, since the end of a subscription may be heard of after its payment.
 */
export function reviewUse({ ledger }: Pick<Desk, 'ledger'>): void {
  for (const payment of ledger.payments()) {
    const subscription = ledger.subscription(payment.stripeSubscriptionId ?? null);
    if (subscription) payment.gaveNothing = uselessBecause(payment, subscription);
  }
}

/** By Stripe's times alone: an event that is late tells of no late payment. */
function uselessBecause(payment: Payment, { endedAt }: Subscription): UselessBecause | null {
  const { status, paidAt, coversUntil } = payment;
  if (status !== 'succeeded' || paidAt == null) return null;
  if (endedAt != null && endedAt < paidAt) return 'paid_after_end';
  return coversUntil != null && coversUntil <= paidAt ? 'period_over' : null;
}
