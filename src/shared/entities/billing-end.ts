import { defineEntity, type InferEntity } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/** A user whose billing an operator has ended, as before the account is deleted. Kept for a day, without a foreign key. */
export const BillingEnd = defineEntity({
  name: 'BillingEnd',
  tableName: 'billing_ends',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    userId: wholeNumber(),
    endedAt: utcTimestamp(),
  },
});
export type BillingEnd = InferEntity<typeof BillingEnd>;
