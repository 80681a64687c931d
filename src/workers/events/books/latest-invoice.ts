import type { Subscription } from '../../../shared/entities/index.ts';
import type { InvoiceFacts } from '../../../shared/stripe/facts/index.ts';
import { type BookableInvoice, invoiceRank } from './payment-book.ts';

/** Which invoice it is, how far it has come, and what it bills. */
type Bill = Pick<BookableInvoice, 'id' | 'created' | 'status' | 'billingReason' | 'servicePeriod'>;

/**
 * Remembers how far the newest invoice for a period has come. Of two invoices the newer one counts, of one invoice's
 * states the one further on, whichever is heard of first.
 * @param failedAt when an attempt at collecting it failed, if this tells of one
 */
export function noteInvoice(row: Subscription, invoice: Bill, failedAt: Date | null): void {
  if (!billsPeriod(invoice) || isOlder(invoice, row)) return;
  if (row.latestInvoiceId !== invoice.id) {
    row.latestInvoiceId = invoice.id;
    row.latestInvoiceAt = invoice.created;
    row.latestInvoiceStatus = invoice.status;
    row.latestInvoiceFailedAt = null;
    forgetFinalization(row);
  } else if (invoiceRank(invoice.status) > invoiceRank(row.latestInvoiceStatus ?? 'draft')) {
    row.latestInvoiceStatus = invoice.status;
  }
  if (row.latestInvoiceStatus !== 'draft') forgetFinalization(row);
  if (row.latestInvoiceStatus === 'paid') row.latestInvoiceFailedAt = null;
  else if (failedAt !== null) row.latestInvoiceFailedAt = earlierOf(row.latestInvoiceFailedAt, failedAt);
}

/**
 * Remembers that Stripe could not make an invoice of the newest draft.
 * @returns whether that still stands
 */
export function noteFinalizationFailure(row: Subscription, invoice: BookableInvoice, at: Date): boolean {
  if (row.latestInvoiceId !== invoice.id || row.latestInvoiceStatus !== 'draft') return false;
  if (row.finalizationFailedAt != null && at >= row.finalizationFailedAt) return true;
  row.finalizationFailedAt = at;
  row.finalizationError = invoice.finalizationError ?? 'unknown';
  return true;
}

/**
 * Whether a payload that calls an invoice open may be overtaken: a newer invoice is known, or a later state of this one.
 */
export function mayBeOvertaken(row: Subscription | undefined, invoice: InvoiceFacts): boolean {
  if (row?.latestInvoiceAt == null) return false;
  if (row.latestInvoiceId === invoice.id) {
    return invoiceRank(row.latestInvoiceStatus ?? 'draft') > invoiceRank(invoice.status);
  }
  return invoice.created <= row.latestInvoiceAt;
}

/** A first invoice bills what the subscription was given on trust. */
export function isFirstInvoice({ billingReason }: Pick<InvoiceFacts, 'billingReason'>): boolean {
  return billingReason === 'subscription_create';
}

/** Prorations alone are no bill for a period: whether they are paid decides nothing about the next one. */
function billsPeriod(invoice: Bill): boolean {
  if (invoice.servicePeriod !== null) return true;
  return isFirstInvoice(invoice) || invoice.billingReason === 'subscription_cycle';
}

function isOlder(invoice: Bill, { latestInvoiceAt: at, latestInvoiceId: id }: Subscription): boolean {
  if (at == null || id == null || id === invoice.id) return false;
  // Two of one second: any order will do, as long as it is the same for everybody.
  return invoice.created.getTime() === at.getTime() ? invoice.id < id : invoice.created < at;
}

function forgetFinalization(row: Subscription): void {
  row.finalizationFailedAt = null;
  row.finalizationError = null;
}

function earlierOf(known: Date | null | undefined, at: Date): Date {
  return known != null && known < at ? known : at;
}
