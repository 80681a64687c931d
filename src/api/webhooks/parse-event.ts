import { HttpError } from '../../shared/errors.ts';

/** What the intake needs to know of an event; the worker reads the rest. */
export type IncomingEvent = {
  id: string;
  type: string;
  /** Unix seconds. */
  created: number;
  livemode: boolean;
};

/** A thin event (`v2.core.event`) only names an object. We subscribe to snapshots, so nobody here reads it. */
export type ThinEvent = { object: 'v2.core.event'; id?: unknown; type?: unknown };

/**
 * Parses a verified payload. What it returns holds nothing of the rest, which is large: hundreds of events wait for
 * Redis at a time, and what they keep alive is copied by every collection meanwhile.
 * @throws {HttpError} 400 when it is not JSON or not an event
 */
export function parseEvent(payload: string): IncomingEvent | ThinEvent {
  const parsed = parseJson(payload);
  if (isThin(parsed)) return parsed;
  if (isEvent(parsed)) {
    const { id, type, created, livemode } = parsed;
    return { id, type, created, livemode };
  }
  throw HttpError.badRequest('not_an_event', 'The body is signed, but it is not a Stripe event');
}

export function isThin(value: unknown): value is ThinEvent {
  return isObject(value) && value.object === 'v2.core.event';
}

/**
 * Lengths are those of the columns, and ids and types are words of printable ASCII: what PostgreSQL could not store (a
 * NUL, say) is not an event. Whatever else is in an id is Stripe's business.
 */
function isEvent(value: unknown): value is IncomingEvent {
  return (
    isObject(value) &&
    value.object === 'event' &&
    isWord(value.id, 255) &&
    isWord(value.type, 100) &&
    typeof value.created === 'number' &&
    typeof value.livemode === 'boolean'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isWord(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && /^[\x21-\x7e]+$/.test(value);
}

function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    throw new HttpError(400, 'invalid_json', 'The body is signed, but it is not JSON', { cause: error });
  }
}
