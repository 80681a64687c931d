import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { Payment } from '../../shared/entities/index.ts';
import { toMajorUnits } from '../../shared/money.ts';
import type { WebDeps } from '../deps.ts';
import { answer, timestamp } from '../envelope.ts';
import { page, readQuery } from '../request-values.ts';
import { paymentStats } from './payment-stats.ts';

type PaymentDeps = Pick<WebDeps, 'orm'> & { user: Middleware };

const historyQuery = z.object(page(10));

/** What a user has paid. */
export function addPaymentRoutes(router: Router, { orm, user }: PaymentDeps): void {
  router.get('/api/stripe/payment/history', user, async (ctx) => {
    const { limit, offset } = readQuery(ctx, historyQuery);
    const [payments, total] = await orm.em.fork().findAndCount(
      Payment,
      // An intent that may belong to an invoice would show one payment twice.
      { userId: ctx.state.userId, awaitingInvoice: false },
      { orderBy: { createdAt: 'desc', id: 'desc' }, limit, offset },
    );
    answer(ctx, { payments: payments.map(paymentView), limit, offset, total });
  });

  router.get('/api/stripe/payment/stats', user, async (ctx) => {
    answer(ctx, await paymentStats(orm.em.fork(), ctx.state.userId));
  });
}

/** A payment as the API tells it; amounts in major units. */
function paymentView(payment: Payment) {
  return {
    id: String(payment.id),
    amount: toMajorUnits(payment.amount, payment.currency),
    currency: payment.currency,
    status: payment.status,
    payment_method_type: payment.paymentMethodType,
    created_at: timestamp(payment.createdAt),
    ...(payment.settledBy ? { settled_by: payment.settledBy } : {}),
    ...(payment.failureReason ? { failure_reason: payment.failureReason } : {}),
    ...(payment.amountRefunded > 0
      ? { amount_refunded: toMajorUnits(payment.amountRefunded, payment.currency) }
      : {}),
  };
}
