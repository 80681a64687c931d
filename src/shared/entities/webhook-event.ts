import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/**
 * What became of an event: applied or ignored once it was processed; `failed` is one that can never be applied as it is,
 * and is tried again only when an operator says so.
 */
export type EventOutcome = 'applied' | 'ignored' | 'failed';

/** The trace of one Stripe event. `processed` commits together with everything the event changed. */
export const WebhookEvent = defineEntity({
  name: 'WebhookEvent',
  tableName: 'webhook_events',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    stripeEventId: p.string().length(255),
    eventType: p.string().length(100),
    processed: p.boolean(),
    processedAt: utcTimestamp().nullable(),
    /** The event as Stripe sent it; null once purged. Large and seldom read, so only on demand (`populate`). */
    data: p.json<unknown>().nullable().lazy(),
    errorMessage: p.text().nullable(),
    retryCount: wholeNumber(),
    createdAt: utcTimestamp(),

    outcome: p.string().length(20).$type<EventOutcome>().nullable(),
    /** Whose link it waits for (`cus_…`), when it is parked; the event is applied once that is known. */
    waitingFor: p.string().length(255).nullable(),
    stripeCreatedAt: utcTimestamp().nullable(),
    livemode: p.boolean().nullable(),
  },
});
export type WebhookEvent = InferEntity<typeof WebhookEvent>;
