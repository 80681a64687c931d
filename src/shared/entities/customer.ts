import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/**
 * How a customer is linked whose payer typed the verified address of a user: anybody can type it. It makes the user
 * premium and shows them nothing of the payer, until the payer or an operator confirms it.
 */
export const UNCONFIRMED_LINK = 'verified_email';

/**
 * Links a Stripe customer to a user. Deleted customers stay as tombstones. A user may have several (the old service
 * made one per abandoned checkout); new checkouts use the one that is `preferred`.
 */
export const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customers',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    /** Null once the user is gone from `users`, so that what Stripe still bills can be found. */
    userId: wholeNumber().nullable(),
    stripeCustomerId: p.string().length(255),
    /** Null on rows adopted from the old service, which did not note it. */
    livemode: p.boolean().nullable(),
    /** At most one living preferred customer per user and mode. */
    preferred: p.boolean(),
    /**
     * How the link came to be: `checkout`, `metadata`, `session`, `legacy`, `operator` or {@link UNCONFIRMED_LINK};
     * `deleted` while all that is known of a customer is its end.
     */
    linkedBy: p.string().length(20),
    deletedAt: utcTimestamp().nullable(),
    createdAt: utcTimestamp(),
  },
});
export type Customer = InferEntity<typeof Customer>;
