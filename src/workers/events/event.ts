import { PermanentError } from '../../shared/errors.ts';
import type { StripeEventJob } from '../../shared/queues/index.ts';
import { storableJson } from '../../shared/storable.ts';
import { type EventFacts, readEvent } from '../../shared/stripe/facts/index.ts';
import { type TracePlace, tracePlace } from '../../shared/tracing/index.ts';

/** One Stripe event in a worker's hands. What it is about is not part of it: that is large, and read once. */
export type IncomingEvent = {
  facts: Omit<EventFacts, 'object'>;
  /** The text as Stripe sent it, for `webhook_events.data`; what PostgreSQL cannot keep of it is spelled out. */
  payload: string;
  correlationId: string;
  /** An object that Stripe did not know when this event was tried before. */
  missing?: StripeEventJob['missing'];
  /** Where the job belongs in its trace; undefined without tracing. */
  trace?: TracePlace;
};

/** An event and the object it is about, which its handler is to read. */
export type ParsedEvent = { event: IncomingEvent; object: unknown };

/**
 * Everything that an event leads to is read from the text made here, so that rows, messages and the stored payload
 * agree about what PostgreSQL can keep.
 * @throws PermanentError when the payload is no JSON or no event
 */
export function parseEvent({ payload: received, correlationId, missing }: StripeEventJob): ParsedEvent {
  const payload = storableJson(received);
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch (cause) {
    throw new PermanentError('The payload of this job is not JSON', { cause });
  }
  const { object, ...facts } = readEvent(parsed);
  return { event: { facts, payload, correlationId, missing, trace: tracePlace() }, object };
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
