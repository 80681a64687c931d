import { withDeadline } from '../../shared/deadline.ts';
import { SECOND } from '../../shared/duration.ts';
import { WebhookEvent } from '../../shared/entities/index.ts';
import { HttpError, toError } from '../../shared/errors.ts';
import { countAccepted } from '../../shared/metrics/webhooks.ts';
import { storableJson, storableText } from '../../shared/storable.ts';
import { fromUnixSeconds } from '../../shared/unix-time.ts';
import type { WebDeps } from '../deps.ts';
import type { IncomingEvent } from './parse-event.ts';

const ROW_TIMEOUT_MS = 4 * SECOND;
const RETRY_AFTER_SECONDS = 30;

type KeepDeps = Pick<WebDeps, 'orm' | 'queues' | 'clock' | 'logger'>;

/** Makes an event durable, and resolves only when it is. */
export type KeepEvent = (event: IncomingEvent, payload: string, correlationId: string) => Promise<void>;

/**
 * Redis takes events, as jobs; while it is away PostgreSQL does, as rows that the worker's sweep enqueues later.
 * When both are away Stripe is told to come again (503).
 */
export function createKeepEvent({ orm, queues, clock, logger }: KeepDeps): KeepEvent {
  return async (event, payload, correlationId) => {
    try {
      const data = { eventId: event.id, payload, correlationId };
      await queues.stripeEvents.add(event.type, data, { jobId: event.id });
      countAccepted('redis');
    } catch (error) {
      logger.warn(
        { err: toError(error), eventId: event.id, eventType: event.type, correlationId },
        `Redis did not take ${event.id}; it is stored in webhook_events until the sweep enqueues it`,
      );
      await storeRow(event, payload).catch((rowError) => {
        throw HttpError.unavailable(
          'event_not_stored',
          'The event could not be stored: send it again later',
          RETRY_AFTER_SECONDS,
          rowError,
        );
      });
      countAccepted('postgres');
    }
  };

  async function storeRow(event: IncomingEvent, payload: string): Promise<void> {
    const row = {
      stripeEventId: storableText(event.id),
      eventType: storableText(event.type),
      processed: false,
      data: JSON.parse(storableJson(payload)) as unknown,
      retryCount: 0,
      createdAt: clock.now(),
      stripeCreatedAt: fromUnixSeconds(event.created),
      livemode: event.livemode,
    };
    const insert = orm.em.fork().createQueryBuilder(WebhookEvent).insert(row).onConflict('stripeEventId');
    await withDeadline(insert.ignore().execute('run'), ROW_TIMEOUT_MS, `Storing ${event.id}`);
  }
}
