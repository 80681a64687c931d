import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

export type PaymentStatus = 'pending' | 'succeeded' | 'failed' | 'canceled';

/** Marked as paid by hand, credited by a credit note, or set off against the customer's balance. */
export type SettledBy = 'out_of_band' | 'credit_note' | 'balance';

/** Its subscription had ended before it was paid, or the period it paid for was over by then. */
export type UselessBecause = 'paid_after_end' | 'period_over';

/**
 * One payment, whatever number of events tell of it. What the payment intent says and what the invoice says are kept
 * side by side and `status`, `amount` and `createdAt` are derived from both, so their order does not matter.
 */
export const Payment = defineEntity({
  name: 'Payment',
  tableName: 'payments',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    userId: wholeNumber(),
    subscriptionId: wholeNumber().nullable(),
    /** The intent's id, or `invoice_<invoice id>` until (or unless) one is known. */
    stripePaymentIntentId: p.string().length(255),
    stripeInvoiceId: p.string().length(255).nullable(),
    /** Minor units of `currency`. */
    amount: wholeNumber(),
    currency: p.string().length(3),
    status: p.string().$type<PaymentStatus>(),
    paymentMethodType: p.string().length(50).nullable(),
    failureReason: p.text().nullable(),
    createdAt: utcTimestamp(),

    stripeCustomerId: p.string().length(255).nullable(),
    /** Kept so that a payment that came before its subscription finds it later. */
    stripeSubscriptionId: p.string().length(255).nullable(),
    stripeChargeId: p.string().length(255).nullable(),
    /** Stripe's own status of the intent and of the invoice; null until one of their events was seen. */
    intentStatus: p.string().length(50).nullable(),
    invoiceStatus: p.string().length(50).nullable(),
    intentSnapshotAt: utcTimestamp().nullable(),
    invoiceSnapshotAt: utcTimestamp().nullable(),
    /** How the invoice was paid where no payment through Stripe did it. */
    settledBy: p.string().length(20).$type<SettledBy>().nullable(),
    /** When Stripe had the invoice as paid; null on payments from before this was kept. */
    paidAt: utcTimestamp().nullable(),
    /** End of the period that the invoice's subscription line is for; null where it has none. */
    coversUntil: utcTimestamp().nullable(),
    /** Why this payment brought its user nothing, for the operator; null when it did. */
    gaveNothing: p.string().length(30).$type<UselessBecause>().nullable(),
    /** Failed attempts at collecting the invoice so far. */
    attemptCount: wholeNumber(),
    nextAttemptAt: utcTimestamp().nullable(),
    /** An intent whose payload cannot name its invoice: not shown until it is linked or known to stand alone. */
    awaitingInvoice: p.boolean(),
    /** When Stripe was asked which invoice and intent belong together, because no event had told. */
    linkCheckedAt: utcTimestamp().nullable(),
    /** Minor units of `currency`. */
    amountRefunded: wholeNumber(),
    refundSnapshotAt: utcTimestamp().nullable(),
    /** When its money last went back, by a refund or a dispute. */
    reversedAt: utcTimestamp().nullable(),
    /** Of all its disputes together the word that says most of the money (`disputes` has each). */
    disputeStatus: p.string().length(50).nullable(),
    disputeSnapshotAt: utcTimestamp().nullable(),
    /** Since when a dispute keeps its money from us; of several the first. */
    disputedAt: utcTimestamp().nullable(),
    livemode: p.boolean().nullable(),
  },
});
export type Payment = InferEntity<typeof Payment>;
