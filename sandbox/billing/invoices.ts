import type Stripe from 'stripe';
import { emit, update } from '../events/emit.ts';
import { listOf } from '../http/lists.ts';
import type { StoredCustomer, StoredDiscount, StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { discountPerLine, type TaxPart, taxBehaviorOf, taxOn } from './amounts.ts';
import { decimalOf } from './decimal.ts';
import { activeDiscounts, spendDiscounts } from './discounts.ts';
import { cancelIntent } from './intents.ts';
import type { LineDraft } from './invoice-lines.ts';
import type { Period } from './period.ts';

/** The one tax rate that automatic tax uses here. */
const TAX_RATE = 'txr_1SandboxTva';

export interface InvoiceDraft {
  subscription: StoredSubscription;
  reason: Stripe.Invoice.BillingReason;
  lines: LineDraft[];
  /** Stripe's `period_start/end`: the period that elapsed, not the one paid for. */
  period: Period;
}

/** An invoice nobody has seen yet: neither stored nor announced. Also used for previews. */
export function buildInvoice(world: World, draft: InvoiceDraft): StoredInvoice {
  const { subscription } = draft;
  const customer = world.tables.customers.must(subscription.customer);
  const id = `in_1${world.ids.text(23)}`;
  const discounts = activeDiscounts(world, subscription);
  const lines = buildLines(world, id, draft, discounts);
  const subtotal = sum(lines.map((line) => line.amount));
  const discountTotals = discounts.map((discount) => ({
    discount: discount.id,
    amount: sum(
      lines
        .flatMap((line) => line.discount_amounts ?? [])
        .filter((each) => each.discount === discount.id)
        .map((each) => each.amount),
    ),
  }));
  const discounted = subtotal - sum(discountTotals.map((each) => each.amount));
  const taxes = lines.flatMap((line) => line.taxes ?? []);
  const exclusive = sum(taxes.filter((tax) => tax.tax_behavior === 'exclusive').map((tax) => tax.amount));
  const inclusive = sum(taxes.filter((tax) => tax.tax_behavior === 'inclusive').map((tax) => tax.amount));
  const total = discounted + exclusive;
  return {
    id,
    object: 'invoice',
    account_country: 'FR',
    account_name: 'Matcha',
    account_tax_ids: null,
    amount_due: Math.max(0, total),
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: Math.max(0, total),
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatic_tax: {
      disabled_reason: null,
      enabled: subscription.automatic_tax.enabled,
      liability: subscription.automatic_tax.enabled ? { type: 'self' } : null,
      provider: subscription.automatic_tax.enabled ? 'stripe' : null,
      status: subscription.automatic_tax.enabled ? 'complete' : null,
    },
    automatically_finalizes_at: null,
    billing_reason: draft.reason,
    collection_method: 'charge_automatically',
    created: world.clock.now,
    currency: subscription.currency,
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    customer_address: customer.address ?? null,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: discounts.map((discount) => discount.id),
    due_date: null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: listOf(`/v1/invoices/${id}/lines`, lines),
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: { ...subscription.metadata }, subscription: subscription.id },
      type: 'subscription_details',
    },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: draft.period.end,
    period_start: draft.period.start,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal,
    subtotal_excluding_tax: subtotal - inclusive,
    test_clock: null,
    total,
    total_discount_amounts: discountTotals,
    total_excluding_tax: total - inclusive - exclusive,
    total_pretax_credit_amounts: [],
    total_taxes: totalTaxes(taxes),
    webhooks_delivered_at: null,
  };
}

/** Stores a draft and makes it the subscription's latest; the caller announces both when it suits the story. */
export function keepInvoice(
  world: World,
  subscription: StoredSubscription,
  invoice: StoredInvoice,
): StoredInvoice {
  world.tables.invoices.insert(invoice);
  subscription.latest_invoice = invoice.id;
  for (const line of invoice.lines.data) {
    const itemId = line.parent?.subscription_item_details?.invoice_item;
    const item = itemId ? world.tables.invoiceItems.get(itemId) : undefined;
    if (item) item.invoice = invoice.id;
  }
  if (invoice.discounts.length > 0) spendDiscounts(world, subscription);
  return invoice;
}

/** A draft becomes open, with a number and a page; one that costs nothing is paid at once. */
export function finalizeInvoice(world: World, invoice: StoredInvoice): void {
  const customer = world.tables.customers.must(invoice.customer);
  const now = world.clock.now;
  world.agenda.cancel(`finalize:${invoice.id}`);
  applyBalance(world, invoice);
  const sequence = customer.next_invoice_sequence ?? 1;
  customer.next_invoice_sequence = sequence + 1;
  invoice.number = `${customer.invoice_prefix ?? 'MATCHA'}-${String(sequence).padStart(4, '0')}`;
  invoice.hosted_invoice_url = `${world.baseUrl}/i/${invoice.id}`;
  invoice.invoice_pdf = `${world.baseUrl}/i/${invoice.id}/pdf`;
  invoice.status = 'open';
  invoice.automatically_finalizes_at = null;
  invoice.effective_at = now;
  invoice.status_transitions.finalized_at = now;
  if (invoice.amount_due === 0) {
    invoice.attempted = true;
    markPaid(world, invoice);
  }
  emit(world, 'invoice.finalized', invoice);
  if (invoice.status === 'paid') {
    emit(world, 'invoice.paid', invoice);
    emit(world, 'invoice.payment_succeeded', invoice);
  }
}

/** Sets what a paid invoice says of itself. */
export function markPaid(world: World, invoice: StoredInvoice): void {
  invoice.status = 'paid';
  invoice.amount_paid = invoice.amount_due;
  invoice.amount_remaining = 0;
  invoice.next_payment_attempt = null;
  invoice.auto_advance = false;
  invoice.status_transitions.paid_at = world.clock.now;
}

export function voidInvoice(world: World, invoice: StoredInvoice): void {
  stopCollecting(world, invoice);
  world.agenda.cancel(`settle:${invoice.id}`);
  for (const payment of world.tables.invoicePayments.filter((each) => each.invoice === invoice.id)) {
    payment.status = 'canceled';
    payment.status_transitions.canceled_at = world.clock.now;
    cancelIntent(world, world.tables.paymentIntents.must(payment.payment.payment_intent), 'void_invoice');
  }
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.status = 'void';
    changed.auto_advance = false;
    changed.next_payment_attempt = null;
    changed.status_transitions.voided_at = world.clock.now;
  });
  emit(world, 'invoice.voided', invoice);
}

export function markUncollectible(world: World, invoice: StoredInvoice): void {
  stopCollecting(world, invoice);
  update(world, 'invoice.updated', invoice, (changed) => {
    changed.status = 'uncollectible';
    changed.auto_advance = false;
    changed.next_payment_attempt = null;
    changed.status_transitions.marked_uncollectible_at = world.clock.now;
  });
  emit(world, 'invoice.marked_uncollectible', invoice);
}

/** No more automatic finalisation or retries. */
export function stopCollecting(world: World, invoice: StoredInvoice): void {
  world.agenda.cancel(`finalize:${invoice.id}`);
  world.agenda.cancel(`retry:${invoice.id}`);
}

/** The subscription an invoice is for; every invoice here has one. */
export function subscriptionOf(world: World, invoice: StoredInvoice): StoredSubscription {
  return world.tables.subscriptions.must(String(invoice.parent?.subscription_details?.subscription));
}

function buildLines(
  world: World,
  invoiceId: string,
  draft: InvoiceDraft,
  discounts: StoredDiscount[],
): Stripe.InvoiceLineItem[] {
  const amounts = draft.lines.map((line) => line.amount);
  const perDiscount = discounts.map((discount) => {
    const off = discountPerLine(amounts, world.tables.coupons.must(discount.source.coupon));
    off.forEach((value, index) => {
      amounts[index] = (amounts[index] ?? 0) - value;
    });
    return { id: discount.id, off };
  });
  return draft.lines.map((line, index) => {
    const taxes = draft.subscription.automatic_tax.enabled
      ? [lineTax(taxOn(amounts[index] ?? 0, world.config.billing.taxPercent, taxBehaviorOf(line.price)))]
      : [];
    const discountAmounts = perDiscount.map(({ id, off }) => ({ discount: id, amount: off[index] ?? 0 }));
    return buildLine(world, invoiceId, draft.subscription, line, discountAmounts, taxes);
  });
}

function buildLine(
  world: World,
  invoiceId: string,
  subscription: StoredSubscription,
  line: LineDraft,
  discountAmounts: Stripe.InvoiceLineItem.DiscountAmount[],
  taxes: Stripe.InvoiceLineItem.Tax[],
): Stripe.InvoiceLineItem {
  return {
    id: world.ids.next('il'),
    object: 'line_item',
    amount: line.amount,
    currency: subscription.currency,
    description: line.description,
    discount_amounts: discountAmounts,
    discountable: !line.proration,
    discounts: discountAmounts.map((each) => String(each.discount)),
    invoice: invoiceId,
    livemode: false,
    metadata: { ...subscription.metadata },
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: line.invoiceItem,
        proration: line.proration,
        proration_details: { credited_items: null },
        subscription: subscription.id,
        subscription_item: line.subscriptionItem,
      },
      type: 'subscription_item_details',
    },
    period: line.period,
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: line.price.id, product: line.price.product },
      type: 'price_details',
      unit_amount_decimal: decimalOf(line.price.unit_amount ?? 0),
    },
    quantity: line.quantity,
    quantity_decimal: decimalOf(line.quantity),
    subscription: subscription.id,
    subtotal: line.amount,
    taxes,
  };
}

function lineTax(tax: TaxPart): Stripe.InvoiceLineItem.Tax {
  return {
    amount: tax.amount,
    tax_behavior: tax.behavior,
    tax_rate_details: { tax_rate: TAX_RATE },
    taxability_reason: 'standard_rated',
    taxable_amount: tax.taxable,
    type: 'tax_rate_details',
  };
}

function totalTaxes(taxes: Stripe.InvoiceLineItem.Tax[]): Stripe.Invoice.TotalTax[] {
  const byBehavior = Map.groupBy(taxes, (tax) => tax.tax_behavior);
  return [...byBehavior.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    return [
      {
        ...first,
        amount: sum(group.map((tax) => tax.amount)),
        taxable_amount: sum(group.map((tax) => tax.taxable_amount ?? 0)),
      },
    ];
  });
}

/** How much of a customer's credit goes into an amount to be paid; minor units. */
export function creditFor(customer: StoredCustomer, total: number): number {
  return Math.max(0, Math.min(total, -customer.balance));
}

// A credit left by a downgrade is kept on the customer and eats into later invoices.
function applyBalance(world: World, invoice: StoredInvoice): void {
  const customer = world.tables.customers.must(invoice.customer);
  invoice.starting_balance = customer.balance;
  const used = invoice.total < 0 ? invoice.total : -creditFor(customer, invoice.total);
  update(world, 'customer.updated', customer, (changed) => {
    changed.balance = invoice.total < 0 ? changed.balance + used : changed.balance - used;
  });
  invoice.ending_balance = customer.balance;
  invoice.amount_due = Math.max(0, invoice.total < 0 ? 0 : invoice.total + used);
  invoice.amount_remaining = invoice.amount_due;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
