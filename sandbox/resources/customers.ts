import { z } from 'zod';
import { createCustomer, deleteCustomer } from '../billing/customers.ts';
import { attach, paymentMethodNamed } from '../billing/payment-methods.ts';
import { update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { address, ignored, isWithin, metadata, paging, text, times, unsettable } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredCustomer, StoredPaymentMethod } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findCustomer } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const fields = {
  address: unsettable(address).optional(),
  description: unsettable(text).optional(),
  email: unsettable(text).optional(),
  invoice_settings: z
    .strictObject({
      default_payment_method: unsettable(text).optional(),
      custom_fields: ignored.optional(),
      footer: ignored.optional(),
      rendering_options: ignored.optional(),
    })
    .optional(),
  metadata: metadata.optional(),
  name: unsettable(text).optional(),
  phone: unsettable(text).optional(),
  payment_method: text.optional(),
  preferred_locales: ignored.optional(),
  shipping: ignored.optional(),
  tax: ignored.optional(),
  tax_exempt: ignored.optional(),
  test_clock: ignored.optional(),
};
const write = z.strictObject(fields);

export const customerRoutes: Route[] = [
  route('POST', '/v1/customers', write, (params, { world }) => {
    checkEmail(params.email);
    const cards = readCards(world, params);
    const customer = createCustomer(world, {
      ...params,
      address: params.address ? fullAddress(params.address) : null,
      metadata: mergeMetadata({}, params.metadata),
    });
    setCards(world, customer, cards);
    return customer;
  }),
  route(
    'GET',
    '/v1/customers',
    z.strictObject({ ...paging, created: times.optional(), email: text.optional() }),
    (params, { world }) =>
      pageOf(
        '/v1/customers',
        where(
          world.tables.customers.newest(),
          (customer) =>
            !world.tables.deletedCustomers.has(customer.id) &&
            (params.email === undefined || customer.email === params.email) &&
            isWithin(customer.created, params.created),
        ),
        params,
      ),
  ),
  route('GET', '/v1/customers/:id', z.strictObject({}), (_params, { world, id }) =>
    world.tables.deletedCustomers.has(id)
      ? { id, object: 'customer', deleted: true }
      : findCustomer(world, id),
  ),
  route('POST', '/v1/customers/:id', write, (params, { world, id }) => {
    const customer = findCustomer(world, id);
    checkEmail(params.email);
    const cards = readCards(world, params);
    update(world, 'customer.updated', customer, (changed) => {
      if (params.address !== undefined) changed.address = params.address ? fullAddress(params.address) : null;
      if (params.description !== undefined) changed.description = params.description;
      if (params.email !== undefined) changed.email = params.email;
      if (params.name !== undefined) changed.name = params.name;
      if (params.phone !== undefined) changed.phone = params.phone;
      changed.metadata = mergeMetadata(changed.metadata, params.metadata);
      setCards(world, changed, cards);
    });
    return customer;
  }),
  route('DELETE', '/v1/customers/:id', z.strictObject({}), (_params, { world, id }) => {
    deleteCustomer(world, findCustomer(world, id));
    return { id, object: 'customer', deleted: true };
  }),
  route(
    'GET',
    '/v1/customers/:id/payment_methods',
    z.strictObject({ ...paging, type: text.optional() }),
    (params, { world, id }) => {
      findCustomer(world, id);
      return pageOf(
        `/v1/customers/${id}/payment_methods`,
        where(
          world.tables.paymentMethods.newest(),
          (method) => method.customer === id && (params.type === undefined || method.type === params.type),
        ),
        params,
      );
    },
  ),
];

function checkEmail(email: string | null | undefined): void {
  if (email == null || (/^[^\s@]+@[^\s@]+$/.test(email) && email.length <= 512)) return;
  throw ApiError.invalid(`Invalid email address: ${email}`, 'email', 'email_invalid');
}

interface Cards {
  attached: StoredPaymentMethod[];
  /** The new default; undefined leaves it alone. */
  chosen: string | null | undefined;
}

// Read before anything changes, so that an unknown card leaves nothing half done.
function readCards(world: World, params: z.output<typeof write>): Cards {
  const own = params.payment_method
    ? paymentMethodNamed(world, params.payment_method, 'payment_method')
    : null;
  const id = params.invoice_settings?.default_payment_method;
  if (!id) return { attached: own ? [own] : [], chosen: id };
  // A ready-made pm_card_… given twice in one request is one payment method.
  const param = 'invoice_settings[default_payment_method]';
  const chosen = own && id === params.payment_method ? own : paymentMethodNamed(world, id, param);
  return { attached: own && own !== chosen ? [own, chosen] : [chosen], chosen: chosen.id };
}

function setCards(world: World, customer: StoredCustomer, { attached, chosen }: Cards): void {
  for (const method of attached) attach(world, method, customer.id);
  if (chosen !== undefined) customer.invoice_settings.default_payment_method = chosen;
}

function fullAddress(given: z.output<typeof address>): NonNullable<StoredCustomer['address']> {
  return { city: null, country: null, line1: null, line2: null, postal_code: null, state: null, ...given };
}
