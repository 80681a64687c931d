import { emit, update } from '../events/emit.ts';
import type { StoredInvoice } from '../state/tables.ts';
import type { World } from '../world.ts';
import { subscriptionOf } from './invoices.ts';

/**
 * Automatic tax finds no address for a renewal. Either the invoice stays a draft, which is said once and never tried
 * again; or it is charged without tax, and the subscription's tax is off from then on, with an `updated` event only.
 * @returns whether the invoice stays a draft
 */
export function isStoppedByTax(world: World, invoice: StoredInvoice): boolean {
  const subscription = subscriptionOf(world, invoice);
  const trouble = world.tables.taxTroubles.get(subscription.id);
  world.tables.taxTroubles.delete(subscription.id);
  if (trouble === 'fails_finalization') {
    failFinalization(world, invoice);
    return true;
  }
  if (trouble === 'switches_tax_off') {
    chargeWithoutTax(invoice);
    update(world, 'customer.subscription.updated', subscription, (changed) => {
      changed.automatic_tax.enabled = false;
      changed.automatic_tax.disabled_reason = 'requires_location_inputs';
      changed.automatic_tax.liability = null;
    });
  }
  return false;
}

function failFinalization(world: World, invoice: StoredInvoice): void {
  invoice.automatically_finalizes_at = null;
  invoice.automatic_tax.status = 'requires_location_inputs';
  invoice.last_finalization_error = {
    type: 'invalid_request_error',
    code: 'customer_tax_location_invalid',
    message:
      "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax.",
  };
  emit(world, 'invoice.finalization_failed', invoice);
}

function chargeWithoutTax(invoice: StoredInvoice): void {
  const added = (invoice.total_taxes ?? [])
    .filter((tax) => tax.tax_behavior === 'exclusive')
    .reduce((sum, tax) => sum + tax.amount, 0);
  for (const line of invoice.lines.data) line.taxes = [];
  invoice.total_taxes = [];
  invoice.total -= added;
  invoice.total_excluding_tax = invoice.total;
  invoice.automatic_tax = {
    disabled_reason: 'finalization_requires_location_inputs',
    enabled: false,
    liability: null,
    provider: null,
    status: null,
  };
}
