import { SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import { countEvent, observeAppliedDelay } from '../../shared/metrics/events.ts';
import { observeUnitOfWork } from '../../shared/metrics/units-of-work.ts';
import { type OpenSpan, tracing } from '../../shared/tracing/index.ts';
import type { IncomingEvent } from './event.ts';
import type { JudgedEvent } from './event-log.ts';
import { handlerOf } from './registry.ts';
import { applyTogether, type ReadyEvent, type UnitOfWorkDeps } from './unit-of-work.ts';

/**
 * {@link applyTogether}, and everything about it that those who watch the service see: a span in the trace of each
 * event, the size and the time of the transaction, a log line for each event that was applied. Its messages know
 * what they belong to.
 */
export async function applyWatched(
  deps: UnitOfWorkDeps,
  ready: readonly ReadyEvent[],
): ReturnType<typeof applyTogether> {
  const events = ready.map(({ event }) => event);
  const spans = openSpans(events);
  const startedAt = performance.now();
  const over = (outcome: 'committed' | 'failed', error?: Error): void => {
    observeUnitOfWork(events.length, (performance.now() - startedAt) / SECOND, outcome);
    for (const span of spans.values()) span.end(error);
  };
  try {
    const committed = await applyTogether(deps, ready);
    over('committed');
    for (const judged of committed.judged) tell(deps, judged);
    const causes = new Map(events.map((event) => [event.correlationId, event]));
    const messages = committed.messages.map((message) => {
      const cause = causes.get(message.correlationId);
      return cause
        ? { ...message, causedAt: cause.facts.created.getTime(), trace: spans.get(cause)?.place }
        : message;
    });
    return { ...committed, messages };
  } catch (thrown) {
    over('failed', toError(thrown));
    throw thrown;
  }
}

/** Many events share one transaction; each has a span of it in its own trace, so that every trace is whole. */
function openSpans(events: readonly IncomingEvent[]): Map<IncomingEvent, OpenSpan> {
  const spans = new Map<IncomingEvent, OpenSpan>();
  const on = tracing();
  if (on === undefined) return spans;
  for (const event of events) {
    const attributes = {
      'stripe.event.id': event.facts.id,
      'stripe.event.type': event.facts.type,
      'unit_of_work.events': events.length,
      correlation_id: event.correlationId,
    };
    spans.set(event, on.begin('unit of work', { parent: event.trace, attributes }));
  }
  return spans;
}

function tell({ clock, logger }: UnitOfWorkDeps, { event, verdict }: JudgedEvent): void {
  const { facts, correlationId } = event;
  const { outcome } = verdict;
  const sinceCreatedMs = clock.now().getTime() - facts.created.getTime();
  countEvent(countedType(facts.type), outcome);
  if (outcome === 'applied') observeAppliedDelay(sinceCreatedMs / SECOND);
  const waitingFor = verdict.outcome === 'parked' ? verdict.waitingFor : undefined;
  logger.info(
    { eventId: facts.id, eventType: facts.type, outcome, waitingFor, sinceCreatedMs, correlationId },
    `${SAID[outcome]} ${facts.id} (${facts.type})`,
  );
}

const SAID = { applied: 'Applied', ignored: 'Ignored', parked: 'Parked' } as const;

/** A type as metrics name it: what nothing here handles is one, so that Stripe cannot add a series at will. */
export function countedType(type: string): string {
  return handlerOf(type) ? type : 'other';
}
