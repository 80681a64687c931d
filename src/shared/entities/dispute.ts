import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/** A dispute of a payment. A charge may have several, and one that is won says nothing of the others. */
export const Dispute = defineEntity({
  name: 'Dispute',
  tableName: 'disputes',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    stripeDisputeId: p.string().length(255),
    stripeChargeId: p.string().length(255),
    stripePaymentIntentId: p.string().length(255).nullable(),
    /** Minor units of `currency`; may differ from the charge's. */
    amount: wholeNumber(),
    currency: p.string().length(3),
    /** Stripe's own word; the set is open. */
    status: p.string().length(50),
    reason: p.string().length(255).nullable(),
    /** When Stripe made it. */
    createdAt: utcTimestamp(),
    /** Stripe's time (whole seconds) that this row reflects. */
    snapshotAt: utcTimestamp(),
    livemode: p.boolean(),
  },
});
export type Dispute = InferEntity<typeof Dispute>;
