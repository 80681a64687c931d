import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/**
 * The part of Matcha's `users` that concerns payments. The table belongs to another service;
 * the only column ever written here is `premium`.
 */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: wholeNumber().primary(),
    email: p.string().nullable(),
    emailVerified: p.boolean().nullable(),
    /** Premium until this moment; null means never. */
    premium: utcTimestamp().nullable(),
  },
});
export type User = InferEntity<typeof User>;
