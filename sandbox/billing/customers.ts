import { emit } from '../events/emit.ts';
import type { StoredCustomer } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cancelSubscription } from './canceling.ts';

export interface NewCustomer {
  email?: string | null | undefined;
  name?: string | null | undefined;
  phone?: string | null | undefined;
  description?: string | null | undefined;
  address?: StoredCustomer['address'];
  metadata?: Record<string, string> | undefined;
}

export function createCustomer(world: World, given: NewCustomer): StoredCustomer {
  const id = world.ids.next('cus');
  const customer: StoredCustomer = {
    id,
    object: 'customer',
    address: given.address ?? null,
    balance: 0,
    created: world.clock.now,
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: given.description ?? null,
    discount: null,
    email: given.email ?? null,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: given.metadata ?? {},
    name: given.name ?? null,
    next_invoice_sequence: 1,
    phone: given.phone ?? null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
  world.tables.customers.insert(customer);
  emit(world, 'customer.created', customer);
  return customer;
}

/** Deletes a customer, which ends all their subscriptions first. The event carries the customer in full. */
export function deleteCustomer(world: World, customer: StoredCustomer): void {
  for (const subscription of world.tables.subscriptions.filter((each) => each.customer === customer.id)) {
    cancelSubscription(world, subscription, 'cancellation_requested');
  }
  world.tables.deletedCustomers.add(customer.id);
  emit(world, 'customer.deleted', customer);
}
