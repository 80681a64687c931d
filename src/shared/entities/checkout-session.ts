import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';
import type { PlanType } from './subscription.ts';

export type CheckoutSessionStatus = 'pending' | 'completed' | 'expired' | 'canceled';

/** A checkout that a known user began. A guest's checkout lives at Stripe only. */
export const CheckoutSession = defineEntity({
  name: 'CheckoutSession',
  tableName: 'checkout_sessions',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    userId: wholeNumber(),
    stripeSessionId: p.string().length(255),
    stripeCustomerId: p.string().length(255).nullable(),
    planType: p.string().$type<PlanType>(),
    status: p.string().$type<CheckoutSessionStatus>(),
    /** Minor units of `currency`. */
    amount: wholeNumber().nullable(),
    currency: p.string().length(3).nullable(),
    successUrl: p.text().nullable(),
    cancelUrl: p.text().nullable(),
    expiresAt: utcTimestamp().nullable(),
    completedAt: utcTimestamp().nullable(),
    stripeSubscriptionId: p.string().length(255).nullable(),
    createdAt: utcTimestamp(),
    updatedAt: utcTimestamp(),
  },
});
export type CheckoutSession = InferEntity<typeof CheckoutSession>;
