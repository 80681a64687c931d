import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

export type PlanType = 'mensuel' | 'annuel';

/** The five words the other Matcha services know; `stripeStatus` has Stripe's own. */
export type SubscriptionStatus = 'active' | 'inactive' | 'canceled' | 'past_due' | 'unpaid';

/** A premium subscription, past or present. */
export const Subscription = defineEntity({
  name: 'Subscription',
  tableName: 'subscriptions',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    userId: wholeNumber(),
    stripeSubscriptionId: p.string().length(255),
    stripeCustomerId: p.string().length(255),
    planType: p.string().$type<PlanType>(),
    status: p.string().$type<SubscriptionStatus>(),
    currentPeriodStart: utcTimestamp().nullable(),
    currentPeriodEnd: utcTimestamp().nullable(),
    /** True while a cancellation is scheduled, whichever of Stripe's two fields says so. */
    cancelAtPeriodEnd: p.boolean(),
    canceledAt: utcTimestamp().nullable(),
    trialStart: utcTimestamp().nullable(),
    trialEnd: utcTimestamp().nullable(),
    createdAt: utcTimestamp(),
    updatedAt: utcTimestamp(),

    stripeStatus: p.string().length(50).nullable(),
    stripePriceId: p.string().length(255).nullable(),
    /** When Stripe created it; decides which of two live subscriptions is the duplicate. */
    stripeCreatedAt: utcTimestamp().nullable(),
    /** When a scheduled cancellation takes effect. */
    cancelAt: utcTimestamp().nullable(),
    endedAt: utcTimestamp().nullable(),
    collectionPaused: p.boolean(),
    /** Stripe's word; null on rows that no event has touched since it is kept, which are collected automatically. */
    collectionMethod: p.string().length(30).nullable(),
    /** Start of the newest period in which collection was seen paused: that one's invoice may never be collected. */
    pausedPeriodStart: utcTimestamp().nullable(),
    /** End of the service period that the newest paid invoice covers (or the first period of a new subscription). */
    paidUntil: utcTimestamp().nullable(),
    /** Where that period begins, and when it was paid for; null while it is given on trust. */
    paidFrom: utcTimestamp().nullable(),
    paidAt: utcTimestamp().nullable(),
    /** Creation time of that invoice: a newer invoice replaces the claim, an older one never does. */
    paidByInvoiceAt: utcTimestamp().nullable(),
    /**
     * Since when the first invoice is known to be unpaid: its bank debit came back, or it was voided. Null again once it
     * is paid after all. What the subscription was given on trust ends here.
     */
    firstUnpaidAt: utcTimestamp().nullable(),
    /** The newest invoice for a period that was heard of, and how far it had come by then; never moves backwards. */
    latestInvoiceId: p.string().length(255).nullable(),
    latestInvoiceAt: utcTimestamp().nullable(),
    latestInvoiceStatus: p.string().length(50).nullable(),
    /** Its first failed attempt; null while there was none, and once it is paid. */
    latestInvoiceFailedAt: utcTimestamp().nullable(),
    /** Since when Stripe fails to make an invoice of its draft, and why; null once it is more than a draft. */
    finalizationFailedAt: utcTimestamp().nullable(),
    finalizationError: p.text().nullable(),
    /** Why Stripe switched automatic tax off by itself; null while it did not. */
    taxDisabledReason: p.string().length(255).nullable(),
    /** First failed attempt of the open invoice; grace counts from here and retries do not move it. */
    pastDueSince: utcTimestamp().nullable(),
    /** That invoice; null while only the subscription's own status has told of it. */
    pastDueInvoiceId: p.string().length(255).nullable(),
    /** Creation time of that invoice: of several unpaid ones the newest counts. */
    pastDueInvoiceAt: utcTimestamp().nullable(),
    /** Since when a refund or dispute of the payment for the running period takes premium away (by configuration). */
    revokedAt: utcTimestamp().nullable(),
    /** Set on a second live subscription of one user: the id of the one that counts. For the operator to resolve. */
    duplicateOf: wholeNumber().nullable(),
    livemode: p.boolean().nullable(),
    /** Stripe's time (whole seconds) that this row reflects; only a clearly newer payload is applied as it is. */
    snapshotAt: utcTimestamp().nullable(),
    /** When the user was last told that premium began by it, and that it is over since. */
    activationToldAt: utcTimestamp().nullable(),
    endToldAt: utcTimestamp().nullable(),
    /** When Stripe was last asked about it, by Stripe's clock: what happened clearly before is in the row. */
    readAt: utcTimestamp().nullable(),
  },
});
export type Subscription = InferEntity<typeof Subscription>;
