import { z } from 'zod';
import { pageOf, where } from '../http/lists.ts';
import { paging, text } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { found } from './find.ts';

export const invoicePaymentRoutes: Route[] = [
  route(
    'GET',
    '/v1/invoice_payments',
    z.strictObject({
      ...paging,
      invoice: text.optional(),
      payment: z.strictObject({ type: z.literal('payment_intent'), payment_intent: text }).optional(),
      status: z.enum(['canceled', 'open', 'paid']).optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/invoice_payments',
        where(
          world.tables.invoicePayments.newest(),
          (each) =>
            (params.invoice === undefined || each.invoice === params.invoice) &&
            (params.payment === undefined || each.payment.payment_intent === params.payment.payment_intent) &&
            (params.status === undefined || each.status === params.status),
        ),
        params,
      ),
  ),
  route('GET', '/v1/invoice_payments/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.invoicePayments.get(id), 'invoice_payment', id),
  ),
];
