import { PermanentError } from '../../shared/errors.ts';
import { type EventFacts, readEvent } from '../../shared/stripe/facts/index.ts';
import { type TracePlace, tracePlace } from '../../shared/tracing/index.ts';

/** One Stripe event in a worker's hands. */
export type IncomingEvent = {
  facts: EventFacts;
  /** The text as Stripe sent it, for `webhook_events.data`. */
  payload: string;
  correlationId: string;
  /** Where the job belongs in its trace; undefined without tracing. */
  trace?: TracePlace;
};

/** @throws PermanentError when the payload is no JSON or no event */
export function parseEvent(payload: string, correlationId: string): IncomingEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch (cause) {
    throw new PermanentError('The payload of this job is not JSON', { cause });
  }
  return { facts: readEvent(parsed), payload, correlationId, trace: tracePlace() };
}

/** What became of an event. A parked one waits for a key (`cus_…`, `pi_…`) that nothing here knows yet. */
export type Verdict =
  | { outcome: 'applied' }
  | { outcome: 'ignored' }
  | { outcome: 'parked'; waitingFor: string };

export const APPLIED: Verdict = { outcome: 'applied' };
export const IGNORED: Verdict = { outcome: 'ignored' };

export function parkedFor(waitingFor: string): Verdict {
  return { outcome: 'parked', waitingFor };
}
