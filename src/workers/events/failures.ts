import type { MikroORM } from '@mikro-orm/postgresql';
import type { Clock } from '../../shared/clock.ts';
import type { EventOutcome } from '../../shared/entities/index.ts';
import { PermanentError, toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { countEvent } from '../../shared/metrics/events.ts';
import { storableText } from '../../shared/storable.ts';
import type { IncomingEvent } from './event.ts';
import { countedType } from './watched-unit.ts';

/** Longer messages help nobody and may carry what does not belong there. */
const MESSAGE_LIMIT = 500;

/**
 * Notes in `webhook_events` why an event could not be applied, outside of the transaction that failed. Its payload is
 * kept with it, so that it can be retried even when Redis has forgotten the job: by the sweep, or, where trying again
 * cannot help (`failed`), by an operator after a fix.
 */
export async function recordFailure(
  { orm, clock, logger }: { orm: MikroORM; clock: Clock; logger: Logger },
  { facts, payload }: IncomingEvent,
  error: Error,
): Promise<void> {
  countEvent(countedType(facts.type), 'failed');
  try {
    await orm.em.fork().execute(
      `insert into webhook_events
         (stripe_event_id, event_type, processed, data, error_message, outcome, retry_count, created_at, stripe_created_at,
          livemode)
       values (?, ?, false, ?::jsonb, ?, ?, 1, ?, ?, ?)
       on conflict (stripe_event_id) do update
         set error_message = excluded.error_message, outcome = excluded.outcome, retry_count = coalesce(webhook_events.retry_count, 0) + 1
         where not webhook_events.processed`,
      [
        facts.id,
        facts.type.slice(0, 100),
        payload,
        storableText(error.message.slice(0, MESSAGE_LIMIT)),
        error instanceof PermanentError ? ('failed' satisfies EventOutcome) : null,
        clock.now().toISOString(),
        facts.created.toISOString(),
        facts.livemode,
      ],
    );
  } catch (thrown) {
    // The job itself still holds the event and its reason; this row is for the operator's list only.
    logger.warn({ err: toError(thrown), event: facts.id }, 'Could not note a failed event in the database');
  }
}
