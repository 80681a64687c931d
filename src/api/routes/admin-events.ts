import type { Router } from '@koa/router';
import type { FilterQuery } from '@mikro-orm/core';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { WebhookEvent } from '../../shared/entities/index.ts';
import { eventJobId } from '../../shared/queues/index.ts';
import type { WebDeps } from '../deps.ts';
import { answer, timestamp } from '../envelope.ts';
import { queueUnavailable } from '../maintenance.ts';
import { page, readJson, readQuery } from '../request-values.ts';

/** Most events one call of the retry route enqueues again. */
const MAX_RETRIED = 1_000;
/** Payloads in memory at once while retrying. */
const RETRY_BATCH = 100;

type AdminEventDeps = Pick<WebDeps, 'orm' | 'queues' | 'clock'> & { admin: Middleware };

/** What an operator calls an event's state, as conditions on its row. */
const STATES = {
  /** Tried and failed; a retry after a fix applies it. */
  failed: { processed: false, errorMessage: { $ne: null }, waitingFor: null },
  /** Nobody knows yet whose it is. */
  parked: { processed: false, waitingFor: { $ne: null } },
  /** Not tried to the end yet. */
  pending: { processed: false, errorMessage: null, waitingFor: null },
  processed: { processed: true },
} as const satisfies Record<string, FilterQuery<WebhookEvent>>;

const eventsQuery = z.object({
  ...page(50),
  state: z.enum(['failed', 'parked', 'pending', 'processed']).optional(),
  type: z.string().min(1).max(100).optional(),
});

export const retryBody = z.object({
  event_ids: z.array(z.string().min(1).max(255)).max(MAX_RETRIED).optional(),
});

/** The trace of Stripe's events, and a second chance for those that failed. */
export function addAdminEventRoutes(router: Router, { orm, queues, clock, admin }: AdminEventDeps): void {
  router.get('/api/admin/webhook/events', admin, async (ctx) => {
    const { limit, offset, state, type } = readQuery(ctx, eventsQuery);
    const [events, total] = await orm.em
      .fork()
      .findAndCount(
        WebhookEvent,
        { ...(state ? STATES[state] : {}), ...(type ? { eventType: type } : {}) },
        { orderBy: { id: 'desc' }, limit, offset },
      );
    answer(ctx, { events: events.map(eventView), limit, offset, total });
  });

  router.post('/api/admin/webhook/retry', admin, async (ctx) => {
    const { event_ids: eventIds } = await readJson(ctx, retryBody);
    const em = orm.em.fork();
    const chosen = await em.find(
      WebhookEvent,
      eventIds
        ? { processed: false, stripeEventId: { $in: eventIds }, data: { $ne: null } }
        : { processed: false, errorMessage: { $ne: null }, data: { $ne: null } },
      // Least retried first, so that calling again reaches beyond the first thousand.
      { orderBy: { retryCount: 'asc', id: 'asc' }, limit: MAX_RETRIED, fields: ['id'] },
    );
    const ids = chosen.map((event) => event.id);
    let retried = 0;
    while (retried < ids.length) {
      retried += await enqueueAgain(ids.slice(retried, retried + RETRY_BATCH), ctx.state.requestId);
    }
    answer(ctx, { retried });
  });

  async function enqueueAgain(ids: readonly number[], correlationId: string): Promise<number> {
    const events = await orm.em.fork().find(WebhookEvent, { id: { $in: [...ids] } }, { populate: ['data'] });
    // The queue remembers the ids of the jobs it had, and would swallow the same one again.
    const suffix = `r${clock.now().getTime().toString(36)}`;
    const jobs = events.map((event) => ({
      name: event.eventType,
      data: { eventId: event.stripeEventId, payload: JSON.stringify(event.data), correlationId },
      opts: { jobId: eventJobId(`${event.stripeEventId}-${suffix}`) },
    }));
    try {
      await queues.stripeEvents.addBulk(jobs);
    } catch (error) {
      throw queueUnavailable(error);
    }
    return ids.length;
  }
}

function eventView(event: Omit<WebhookEvent, 'data'>) {
  return {
    id: event.id,
    stripe_event_id: event.stripeEventId,
    event_type: event.eventType,
    processed: event.processed,
    processed_at: timestamp(event.processedAt),
    retry_count: event.retryCount,
    error_message: event.errorMessage,
    created_at: timestamp(event.createdAt),
    outcome: event.outcome,
    waiting_for: event.waitingFor,
  };
}
