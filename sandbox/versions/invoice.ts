import type Stripe from 'stripe';
import type { World } from '../world.ts';
import { firstDiscount } from './others.ts';

/** Before basil an invoice named its subscription, intent and charge itself, and said whether it was paid. */
export function oldInvoice(world: World, invoice: Stripe.Invoice): object {
  const { tables } = world;
  // Its own intent, also where another one paid.
  const payment = tables.invoicePayments.find((each) => each.invoice === invoice.id && each.is_default);
  const offStripe = invoice.amount_paid_off_stripe ?? 0;
  const intent = payment ? tables.paymentIntents.get(payment.payment.payment_intent) : undefined;
  const details = invoice.parent?.subscription_details ?? null;
  const taxes = invoice.total_taxes ?? [];
  return {
    ...invoice,
    subscription: details?.subscription ?? null,
    subscription_details: details ? { metadata: details.metadata } : null,
    payment_intent: intent?.id ?? null,
    charge: intent?.latest_charge ?? null,
    paid: invoice.status === 'paid',
    paid_out_of_band: offStripe > 0,
    amount_paid: invoice.amount_paid - offStripe,
    application_fee_amount: null,
    transfer_data: null,
    quote: null,
    discount: firstDiscount(world, invoice.discounts.map(String)),
    tax: taxes.length > 0 ? taxes.reduce((sum, tax) => sum + tax.amount, 0) : null,
    total_tax_amounts: taxes.map(oldTax),
    lines: { ...invoice.lines, data: invoice.lines.data.map((line) => oldLine(world, line)) },
  };
}

function oldLine(world: World, line: Stripe.InvoiceLineItem): object {
  const details = line.parent?.subscription_item_details ?? null;
  const price = world.tables.prices.get(String(line.pricing?.price_details?.price)) ?? null;
  const item = world.tables.subscriptions
    .get(String(details?.subscription))
    ?.items.data.find((each) => each.id === details?.subscription_item);
  return {
    ...line,
    type: details?.invoice_item ? 'invoiceitem' : 'subscription',
    subscription: details?.subscription ?? null,
    subscription_item: details?.subscription_item ?? null,
    invoice_item: details?.invoice_item ?? undefined,
    proration: details?.proration ?? false,
    proration_details: details?.proration_details ?? { credited_items: null },
    price,
    plan:
      item?.plan.id === price?.id
        ? item?.plan
        : price && { id: price.id, object: 'plan', product: price.product },
    tax_amounts: (line.taxes ?? []).map(oldTax),
    tax_rates: [],
    unit_amount_excluding_tax: price?.unit_amount_decimal ?? null,
  };
}

function oldTax(tax: Stripe.Invoice.TotalTax): object {
  return {
    amount: tax.amount,
    inclusive: tax.tax_behavior === 'inclusive',
    tax_rate: tax.tax_rate_details?.tax_rate ?? null,
    taxability_reason: tax.taxability_reason,
    taxable_amount: tax.taxable_amount,
  };
}
