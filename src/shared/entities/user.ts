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
    /**
     * Never read. That one column is lazy makes MikroORM name the others instead of asking for all forty, passwords
     * among them; the role it runs under need not be allowed to read those (deploy/postgres/privileges.sql).
     */
    username: p.string().nullable().lazy(),
  },
});
export type User = InferEntity<typeof User>;
