import { z } from 'zod';
import { collect, intentOf } from '../billing/collecting.ts';
import { finalizeInvoice, markUncollectible, voidInvoice } from '../billing/invoices.ts';
import { attach, paymentMethodNamed } from '../billing/payment-methods.ts';
import { previewRenewal } from '../billing/renewing.ts';
import { attachPayment, payOutOfBand } from '../billing/settling.ts';
import { afterClosing } from '../billing/standing.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { flag, ignored, isWithin, paging, text, times } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { snapshot } from '../state/snapshot.ts';
import type { StoredInvoice } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findIntent, findInvoice, findSubscription } from './find.ts';

const pay = z.strictObject({
  forgive: ignored.optional(),
  off_session: flag.optional(),
  paid_out_of_band: flag.optional(),
  payment_method: text.optional(),
});

export const invoiceRoutes: Route[] = [
  route(
    'GET',
    '/v1/invoices',
    z.strictObject({
      ...paging,
      collection_method: ignored.optional(),
      created: times.optional(),
      customer: text.optional(),
      status: text.optional(),
      subscription: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/invoices',
        where(
          world.tables.invoices.newest(),
          (invoice) =>
            isWithin(invoice.created, params.created) &&
            (params.customer === undefined || invoice.customer === params.customer) &&
            (params.status === undefined || invoice.status === params.status) &&
            (params.subscription === undefined ||
              invoice.parent?.subscription_details?.subscription === params.subscription),
        ),
        params,
      ),
  ),
  route(
    'POST',
    '/v1/invoices/create_preview',
    z.strictObject({
      customer: text.optional(),
      subscription: text,
      subscription_details: ignored.optional(),
    }),
    (params, { world }) => {
      const invoice = previewRenewal(world, findSubscription(world, params.subscription, 'subscription'));
      return { ...invoice, id: `upcoming_${invoice.id}` };
    },
  ),
  route('GET', '/v1/invoices/:id', z.strictObject({}), (_params, { world, id }) => findInvoice(world, id)),
  route('GET', '/v1/invoices/:id/lines', z.strictObject(paging), (params, { world, id }) =>
    pageOf(`/v1/invoices/${id}/lines`, findInvoice(world, id).lines.data, params),
  ),
  route('POST', '/v1/invoices/:id/pay', pay, (params, { world, id }) =>
    payInvoice(world, findInvoice(world, id), params),
  ),
  route(
    'POST',
    '/v1/invoices/:id/finalize',
    z.strictObject({ auto_advance: flag.optional() }),
    (params, { world, id }) => {
      const invoice = findInvoice(world, id);
      if (invoice.status !== 'draft')
        throw ApiError.invalid('This invoice is already finalized.', undefined, 'invoice_not_editable');
      if (params.auto_advance !== undefined) invoice.auto_advance = params.auto_advance;
      finalizeInvoice(world, invoice);
      collectLater(world, invoice);
      return invoice;
    },
  ),
  route(
    'POST',
    '/v1/invoices/:id/attach_payment',
    z.strictObject({ payment_intent: text }),
    (params, { world, id }) => {
      const invoice = findInvoice(world, id);
      attachPayment(world, invoice, findIntent(world, params.payment_intent, 'payment_intent'));
      return invoice;
    },
  ),
  route('POST', '/v1/invoices/:id/void', z.strictObject({}), (_params, { world, id }) => {
    const invoice = findInvoice(world, id);
    if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
      throw ApiError.invalid(
        `You can only pass in open or uncollectible invoices. This invoice is ${invoice.status}.`,
      );
    }
    if (intentOf(world, invoice)?.status === 'processing') {
      throw ApiError.invalid('You cannot void an invoice while one of its payments is processing.');
    }
    voidInvoice(world, invoice);
    afterClosing(world, invoice);
    return invoice;
  }),
  route('POST', '/v1/invoices/:id/mark_uncollectible', z.strictObject({}), (_params, { world, id }) => {
    const invoice = findInvoice(world, id);
    if (invoice.status !== 'open') {
      throw ApiError.invalid(`You can only pass in open invoices. This invoice is ${invoice.status}.`);
    }
    markUncollectible(world, invoice);
    afterClosing(world, invoice);
    return invoice;
  }),
];

// What was finalised by hand is charged by itself as it would have been anyway, unless it is told not to.
function collectLater(world: World, invoice: StoredInvoice): void {
  if (invoice.status !== 'open' || !invoice.auto_advance) return;
  const at = world.clock.now + world.config.billing.finalizationDelaySeconds;
  world.agenda.set(`retry:${invoice.id}`, at, () => collect(world, invoice, 'absent'));
}

function payInvoice(world: World, invoice: StoredInvoice, params: z.output<typeof pay>): StoredInvoice {
  if (invoice.status === 'paid')
    throw ApiError.invalid('Invoice is already paid', undefined, 'invoice_already_paid');
  if (invoice.status === 'void') throw ApiError.invalid('This invoice is void and cannot be paid.');
  if (invoice.status === 'draft') finalizeInvoice(world, invoice);
  if (params.paid_out_of_band) {
    payOutOfBand(world, invoice);
    return invoice;
  }
  const method = params.payment_method
    ? paymentMethodNamed(world, params.payment_method, 'payment_method')
    : undefined;
  if (method) attach(world, method, invoice.customer);
  const result = collect(world, invoice, params.off_session === false ? 'present' : 'absent', method);
  if (result === 'paid' || result === 'processing') return invoice;
  const intent = intentOf(world, invoice);
  const error = intent?.last_payment_error;
  if (result === 'requires_action') {
    throw ApiError.card(
      'This payment requires additional user action before it can be completed successfully.',
      'invoice_payment_intent_requires_action',
      undefined,
    );
  }
  if (!error) {
    throw ApiError.invalid(
      'There is no payment method on this invoice, its subscription or its customer: nothing can be charged.',
      undefined,
      'missing',
    );
  }
  throw ApiError.card(
    error.message ?? '',
    error.code ?? 'card_declined',
    error.decline_code,
    intent ? snapshot(intent) : undefined,
  );
}
