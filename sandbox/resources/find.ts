import { ApiError } from '../http/errors.ts';
import type {
  StoredCharge,
  StoredCustomer,
  StoredInvoice,
  StoredPaymentIntent,
  StoredPrice,
  StoredSession,
  StoredSubscription,
} from '../state/tables.ts';
import type { World } from '../world.ts';

/** Lookups that answer as Stripe does when there is nothing: 404 for the path's id, 400 for a parameter's. */

export function findCustomer(world: World, id: string, param?: string): StoredCustomer {
  const customer = world.tables.deletedCustomers.has(id) ? undefined : world.tables.customers.get(id);
  return found(customer, 'customer', id, param);
}

export function findPrice(world: World, id: string, param?: string): StoredPrice {
  return found(world.tables.prices.get(id), 'price', id, param);
}

export function findSubscription(world: World, id: string, param?: string): StoredSubscription {
  return found(world.tables.subscriptions.get(id), 'subscription', id, param);
}

export function findInvoice(world: World, id: string, param?: string): StoredInvoice {
  return found(world.tables.invoices.get(id), 'invoice', id, param);
}

export function findIntent(world: World, id: string, param?: string): StoredPaymentIntent {
  return found(world.tables.paymentIntents.get(id), 'payment_intent', id, param);
}

export function findCharge(world: World, id: string, param?: string): StoredCharge {
  return found(world.tables.charges.get(id), 'charge', id, param);
}

export function findSession(world: World, id: string, param?: string): StoredSession {
  return found(world.tables.sessions.get(id), 'checkout.session', id, param);
}

/** @param param the parameter that named the object; absent when the path did */
export function found<T>(row: T | undefined, noun: string, id: string, param?: string): T {
  if (row === undefined) throw ApiError.noSuch(noun, id, param ?? 'id', param ? 400 : 404);
  return row;
}
