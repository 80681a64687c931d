import type { Payment } from '../../../shared/entities/index.ts';
import { toMajorUnits } from '../../../shared/money.ts';
import type { Desk } from '../desk.ts';
import type { Announcement } from '../ledger/index.ts';

/**
 * Tells once for each invoice that its debit is with the bank, as soon as both are known: what the intent does, and
 * which invoice of which subscription of ours it pays.
 */
export function announcePendingDebit({ ledger }: Pick<Desk, 'ledger'>, payment: Payment): void {
  if (payment.intentStatus !== 'processing' || payment.status !== 'pending') return;
  if (payment.stripeInvoiceId == null) return;
  if (ledger.subscription(payment.stripeSubscriptionId ?? null) === undefined) return;
  ledger.announce(pendingDebit(payment.userId, { ...payment, stripeInvoiceId: payment.stripeInvoiceId }));
}

/** @param debit `amount` in minor units of `currency` */
export function pendingDebit(
  userId: number,
  debit: { stripeInvoiceId: string; amount: number; currency: string },
): Announcement {
  return {
    fact: `payment_pending:${debit.stripeInvoiceId}`,
    userId,
    type: 'payment_pending',
    data: {
      message: 'Votre prélèvement est en cours : la banque le confirme sous quelques jours.',
      amount: toMajorUnits(debit.amount, debit.currency),
      currency: debit.currency,
      invoice_id: debit.stripeInvoiceId,
    },
  };
}
