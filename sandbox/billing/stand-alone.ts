import { emit } from '../events/emit.ts';
import type { StoredInvoice, StoredInvoiceItem } from '../state/tables.ts';
import type { World } from '../world.ts';
import { buildInvoice } from './invoices.ts';

/**
 * An invoice for no subscription, as people make them at the dashboard: a draft of what waits for the customer's next
 * invoice.
 */
export function createInvoice(world: World, customer: string, items: StoredInvoiceItem[]): StoredInvoice {
  const now = world.clock.now;
  const period = { start: now, end: now };
  const built = buildInvoice(world, {
    subscription: {
      id: '',
      customer,
      currency: items[0]?.currency ?? 'eur',
      automatic_tax: { disabled_reason: null, enabled: false, liability: null },
      metadata: {},
      discounts: [],
    },
    reason: 'manual',
    lines: items.map((item) => ({
      price: world.tables.prices.must(String(item.pricing?.price_details?.price)),
      quantity: item.quantity,
      amount: item.amount,
      description: item.description ?? '',
      period,
      proration: false,
      subscriptionItem: '',
      invoiceItem: item.id,
    })),
    period,
  });
  const invoice: StoredInvoice = { ...built, parent: null, auto_advance: false };
  for (const line of invoice.lines.data) {
    line.subscription = null;
    line.parent = {
      invoice_item_details: {
        invoice_item: line.parent?.subscription_item_details?.invoice_item ?? '',
        proration: false,
        proration_details: { credited_items: null },
        subscription: null,
      },
      subscription_item_details: null,
      type: 'invoice_item_details',
    };
  }
  for (const item of items) item.invoice = invoice.id;
  world.tables.invoices.insert(invoice);
  emit(world, 'invoice.created', invoice);
  return invoice;
}

/** A draft that stands alone goes, and what was on it waits again. */
export function deleteDraft(world: World, invoice: StoredInvoice): void {
  for (const item of world.tables.invoiceItems.filter((each) => each.invoice === invoice.id)) {
    item.invoice = null;
  }
  world.tables.invoices.delete(invoice.id);
  emit(world, 'invoice.deleted', invoice);
}
