import type Stripe from 'stripe';
import { z } from 'zod';
import { decimalOf } from '../billing/decimal.ts';
import { emit } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { flag, isWithin, metadata, paging, text, times, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredInvoiceItem } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findCustomer, findPrice, findSubscription, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const create = z.strictObject({
  customer: text,
  description: text.optional(),
  metadata: metadata.optional(),
  pricing: z.strictObject({ price: text }),
  quantity: whole.optional(),
  subscription: text.optional(),
});

/** What waits for a customer's next invoice, or stands on one. */
export const invoiceItemRoutes: Route[] = [
  route('POST', '/v1/invoiceitems', create, (params, { world }) => createItem(world, params)),
  route(
    'GET',
    '/v1/invoiceitems',
    z.strictObject({
      ...paging,
      created: times.optional(),
      customer: text.optional(),
      invoice: text.optional(),
      pending: flag.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/invoiceitems',
        where(
          world.tables.invoiceItems.newest(),
          (item) =>
            isWithin(item.date, params.created) &&
            (params.customer === undefined || item.customer === params.customer) &&
            (params.invoice === undefined || item.invoice === params.invoice) &&
            (params.pending === undefined || (item.invoice === null) === params.pending),
        ),
        params,
      ),
  ),
  route('GET', '/v1/invoiceitems/:id', z.strictObject({}), (_params, { world, id }) => findItem(world, id)),
  route('DELETE', '/v1/invoiceitems/:id', z.strictObject({}), (_params, { world, id }) => {
    const item = findItem(world, id);
    const invoice = item.invoice === null ? undefined : world.tables.invoices.get(item.invoice);
    if (invoice && invoice.status !== 'draft') {
      throw ApiError.invalid(
        'Items of a finalized invoice cannot be deleted.',
        undefined,
        'invoice_not_editable',
      );
    }
    world.tables.invoiceItems.delete(id);
    emit(world, 'invoiceitem.deleted', item);
    return { id, object: 'invoiceitem', deleted: true };
  }),
];

function createItem(world: World, params: z.output<typeof create>): StoredInvoiceItem {
  const customer = findCustomer(world, params.customer, 'customer');
  const price = findPrice(world, params.pricing.price, 'pricing[price]');
  if (price.recurring) {
    throw ApiError.invalid('Only one-time prices can be used for invoice items.', 'pricing[price]');
  }
  const subscription = params.subscription
    ? findSubscription(world, params.subscription, 'subscription')
    : null;
  const quantity = params.quantity ?? 1;
  const now = world.clock.now;
  const item: StoredInvoiceItem = {
    id: `ii_1${world.ids.text(23)}`,
    object: 'invoiceitem',
    amount: (price.unit_amount ?? 0) * quantity,
    currency: price.currency,
    customer: customer.id,
    customer_account: null,
    date: now,
    description: params.description ?? null,
    discountable: true,
    discounts: [],
    invoice: null,
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    parent: subscription
      ? {
          subscription_details: { subscription: subscription.id },
          type: 'subscription_details',
        }
      : null,
    period: { start: now, end: now },
    pricing: {
      price_details: { price: price.id, product: price.product },
      type: 'price_details',
      unit_amount_decimal: decimalOf(price.unit_amount ?? 0),
    } satisfies Stripe.InvoiceItem.Pricing,
    proration: false,
    quantity,
    quantity_decimal: decimalOf(quantity),
    tax_rates: [],
    test_clock: null,
  };
  world.tables.invoiceItems.insert(item);
  emit(world, 'invoiceitem.created', item);
  return item;
}

function findItem(world: World, id: string): StoredInvoiceItem {
  return found(world.tables.invoiceItems.get(id), 'invoiceitem', id);
}
