import { emit, update } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { listOf } from '../http/lists.ts';
import type { StoredCreditNote, StoredInvoice } from '../state/tables.ts';
import type { World } from '../world.ts';
import { intentsThatPaid } from './collecting.ts';
import { refundCharge } from './refunding.ts';
import { creditOpenInvoice } from './settling.ts';

/** How what was paid is given back, and what for; amounts are minor units. */
export interface CreditOptions {
  /** Everything that is left to be credited when absent. */
  amount?: number | undefined;
  refundAmount?: number | undefined;
  creditAmount?: number | undefined;
  outOfBandAmount?: number | undefined;
  reason?: StoredCreditNote['reason'] | undefined;
  memo?: string | undefined;
  metadata?: Record<string, string> | undefined;
}

/** Credits an invoice: what is still open of it first, and of what was paid the rest, as its caller says. */
export function creditInvoice(
  world: World,
  invoice: StoredInvoice,
  options: CreditOptions,
): StoredCreditNote {
  if (invoice.status !== 'open' && invoice.status !== 'paid') {
    throw ApiError.invalid(
      `You can only credit open or paid invoices. This one is ${invoice.status}.`,
      'invoice',
    );
  }
  const { refundAmount = 0, creditAmount = 0, outOfBandAmount = 0 } = options;
  const paidBack = refundAmount + creditAmount + outOfBandAmount;
  const left = invoice.amount_remaining + invoice.amount_paid - invoice.post_payment_credit_notes_amount;
  const amount = options.amount ?? (paidBack > 0 ? paidBack + invoice.amount_remaining : left);
  const before = Math.min(amount, invoice.amount_remaining);
  const after = amount - before;
  if (amount < 1 || amount > left) {
    throw ApiError.invalid(
      `The amount of this credit note (${amount}) exceeds what is left (${left}).`,
      'amount',
    );
  }
  if (after !== paidBack) {
    throw ApiError.invalid(
      `The sum of credit amount, refund amount and out of band amount (${paidBack}) must equal the post payment amount (${after}).`,
    );
  }
  const note = newCreditNote(world, invoice, before, after, options);
  emit(world, 'credit_note.created', note);
  if (before > 0) creditOpenInvoice(world, invoice, before);
  if (after > 0) {
    update(world, 'invoice.updated', invoice, (changed) => {
      changed.post_payment_credit_notes_amount += after;
    });
  }
  if (refundAmount > 0) refund(world, invoice, note, refundAmount);
  if (creditAmount > 0) {
    update(world, 'customer.updated', world.tables.customers.must(invoice.customer), (changed) => {
      changed.balance -= creditAmount;
    });
  }
  return note;
}

/** Takes a credit note back; what it gave back of a payment stays given. */
export function voidCreditNote(world: World, note: StoredCreditNote): void {
  if (note.status === 'void') throw ApiError.invalid('This credit note has already been voided.');
  if (note.type !== 'pre_payment') {
    throw ApiError.invalid('You can only void a credit note for an open invoice.');
  }
  note.status = 'void';
  note.voided_at = world.clock.now;
  emit(world, 'credit_note.voided', note);
}

function refund(world: World, invoice: StoredInvoice, note: StoredCreditNote, amount: number): void {
  let left = amount;
  for (const intent of intentsThatPaid(world, invoice)) {
    const charge = world.tables.charges.must(String(intent.latest_charge));
    const part = Math.min(left, charge.amount_captured - charge.amount_refunded);
    if (part <= 0) continue;
    const made = refundCharge(world, charge, { amount: part });
    note.refunds.push({
      amount_refunded: part,
      payment_record_refund: null,
      refund: made.id,
      type: 'refund',
    });
    left -= part;
  }
  if (left > 0) {
    throw ApiError.invalid('The refund exceeds what was paid through Stripe.', 'refund_amount');
  }
}

function newCreditNote(
  world: World,
  invoice: StoredInvoice,
  before: number,
  after: number,
  { outOfBandAmount, reason, memo, metadata }: CreditOptions,
): StoredCreditNote {
  const id = `cn_1${world.ids.text(23)}`;
  const amount = before + after;
  const count = world.tables.creditNotes.filter((each) => each.invoice === invoice.id).length;
  return world.tables.creditNotes.insert({
    id,
    object: 'credit_note',
    amount,
    amount_shipping: 0,
    created: world.clock.now,
    currency: invoice.currency,
    customer: invoice.customer,
    customer_account: null,
    customer_balance_transaction: null,
    discount_amount: 0,
    discount_amounts: [],
    effective_at: world.clock.now,
    invoice: invoice.id,
    lines: listOf(`/v1/credit_notes/${id}/lines`, []),
    livemode: false,
    memo: memo ?? null,
    metadata: metadata ?? {},
    number: `${invoice.number}-CN-${String(count + 1).padStart(2, '0')}`,
    out_of_band_amount: outOfBandAmount ?? null,
    pdf: `${world.baseUrl}/credit_notes/${id}/pdf`,
    post_payment_amount: after,
    pre_payment_amount: before,
    pretax_credit_amounts: [],
    reason: reason ?? null,
    refunds: [],
    shipping_cost: null,
    status: 'issued',
    subtotal: amount,
    subtotal_excluding_tax: amount,
    total: amount,
    total_excluding_tax: amount,
    total_taxes: [],
    type: before === 0 ? 'post_payment' : after === 0 ? 'pre_payment' : 'mixed',
    voided_at: null,
  });
}
