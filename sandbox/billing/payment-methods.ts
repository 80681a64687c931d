import { emit, update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import type { StoredCustomer, StoredPaymentMethod } from '../state/tables.ts';
import type { World } from '../world.ts';
import { type TestCard, testPaymentMethod } from './cards.ts';

const NO_DETAILS = { address: null, email: null, name: null, phone: null, tax_id: null };

/** A payment method that belongs to nobody yet. */
export function createPaymentMethod(world: World, card: TestCard, email: string | null): StoredPaymentMethod {
  const method: StoredPaymentMethod = {
    id: world.ids.next('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { ...NO_DETAILS, email },
    created: world.clock.now,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: card.type,
    ...(card.type === 'card' ? { card: cardDetails(card) } : { sepa_debit: sepaDetails(card) }),
  };
  world.tables.cards.set(method.id, card);
  return world.tables.paymentMethods.insert(method);
}

/** Gives a payment method to a customer. */
export function attach(world: World, method: StoredPaymentMethod, customerId: string): void {
  if (method.customer === customerId) return;
  method.customer = customerId;
  emit(world, 'payment_method.attached', method);
}

/** Makes a card the one that a customer's invoices are charged to. */
export function setDefaultCard(world: World, customer: StoredCustomer, card: TestCard): StoredPaymentMethod {
  const method = createPaymentMethod(world, card, customer.email);
  attach(world, method, customer.id);
  update(world, 'customer.updated', customer, (changed) => {
    changed.invoice_settings.default_payment_method = method.id;
  });
  return method;
}

/** Finds a payment method named in a request, making one of Stripe's ready-made `pm_card_…` if it is one. */
export function paymentMethodNamed(world: World, id: string, param: string): StoredPaymentMethod {
  const ready = testPaymentMethod(id);
  if (ready) return createPaymentMethod(world, ready, null);
  const method = world.tables.paymentMethods.get(id);
  if (!method) throw ApiError.noSuch('PaymentMethod', id, param, 400);
  return method;
}

function cardDetails(card: TestCard): NonNullable<StoredPaymentMethod['card']> {
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'FR',
    display_brand: card.brand,
    exp_month: 12,
    exp_year: 2034,
    fingerprint: `fp${card.number.slice(-12)}`,
    funding: 'credit',
    generated_from: null,
    last4: card.number.slice(-4),
    networks: { available: [card.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

function sepaDetails(card: TestCard): NonNullable<StoredPaymentMethod['sepa_debit']> {
  return {
    bank_code: '30006',
    branch_code: null,
    country: 'FR',
    fingerprint: `fp${card.number.slice(-12)}`,
    generated_from: null,
    last4: card.number.slice(-4),
  };
}
