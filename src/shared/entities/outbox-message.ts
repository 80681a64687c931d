import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/**
 * A message to a user that committed together with what it announces. `fact` is unique and names the fact (kind,
 * object, state), not the event: Stripe tells of one payment in several events.
 */
export const OutboxMessage = defineEntity({
  name: 'OutboxMessage',
  tableName: 'outbox_messages',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    fact: p.string().length(255),
    userId: wholeNumber(),
    type: p.string().length(50),
    data: p.json<Record<string, unknown>>(),
    createdAt: utcTimestamp(),
    deliveredAt: utcTimestamp().nullable(),
    /** Noted without being sent: old news that a backfill found, never to be announced again. */
    silent: p.boolean(),
  },
});
export type OutboxMessage = InferEntity<typeof OutboxMessage>;
