import type { IncomingMessage } from 'node:http';
import { SECOND } from '../duration.ts';
import { HttpError } from '../errors.ts';
import { type BodyBudget, bodiesInHand } from './body-budget.ts';
import { GrowingBytes } from './growing-bytes.ts';

/** How long a body may take. Durations in milliseconds. */
export type BodyPace = {
  /** Without a byte of it. */
  idleMs: number;
  /** In all. */
  totalMs: number;
};

/** What takes longer is no body of ours: the largest is sent in a fraction of a second. */
export const BODY_PACE: Readonly<BodyPace> = Object.freeze({ idleMs: 3 * SECOND, totalMs: 10 * SECOND });

export type BodyLimits = { maxBytes: number; pace?: Readonly<BodyPace>; budget?: BodyBudget };

/** A body that counts as in hand until it is released. */
export type Body = { readonly bytes: Buffer; release(): void };

/** Reads a body that is small and soon done with; see {@link holdBody}. */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { bytes, release } = await holdBody(request, limits);
  release();
  return bytes;
}

/**
 * Refuses what says itself that it is too long.
 * @throws {HttpError} 413
 */
export function requireLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/**
 * Reads a request's bytes. What is not read after a failure is thrown away as it comes, or ends with the connection.
 * @throws {HttpError} 413 above `maxBytes`, 408 when it comes too slowly, 503 when too much is in hand already, 400
 *   when the client did not send all it announced
 */
export async function holdBody(
  request: IncomingMessage,
  { maxBytes, pace = BODY_PACE, budget = bodiesInHand }: BodyLimits,
): Promise<Body> {
  requireLength(request, maxBytes);
  return new Promise((resolve, reject) => {
    const body = new GrowingBytes();
    const share = budget.open(() => fail(overrun()));
    const startedAt = performance.now();
    let lastAt = startedAt;
    let length = 0;
    let timer = setTimeout(checkPace, pace.idleMs);

    function checkPace(): void {
      const now = performance.now();
      const leftMs = Math.min(lastAt + pace.idleMs, startedAt + pace.totalMs) - now;
      if (leftMs <= 0) fail(tooSlow());
      else timer = setTimeout(checkPace, leftMs);
    }
    function onData(chunk: Buffer): void {
      lastAt = performance.now();
      length += chunk.length;
      if (length > maxBytes) fail(tooLarge(maxBytes));
      else if (!share.take(body.growthFor(chunk.length))) fail(overrun());
      else body.append(chunk);
    }
    function onEnd(): void {
      stop();
      share.arrived();
      resolve({ bytes: body.bytes, release: share.release });
    }
    function onBroken(): void {
      fail(new HttpError(400, 'unreadable_body', 'The body could not be read to its end'));
    }
    function fail(error: HttpError): void {
      stop();
      share.release();
      // A client that is still writing would not read our answer, so that the rest has to be taken from it.
      request.resume();
      reject(error);
    }
    function stop(): void {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
    }
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
    // Gone already, which no event will say again.
    if (request.destroyed) onBroken();
  });
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, 'body_too_large', `The body may have at most ${maxBytes} bytes`);
}

/** The last answer of its connection: on what is not read to its end no further request can follow. */
function tooSlow(): HttpError {
  return new HttpError(408, 'body_too_slow', 'The body did not come in time: send the request again', {
    headers: { connection: 'close' },
  });
}

function overrun(): HttpError {
  return new HttpError(503, 'too_many_bodies', 'Too much is being received at once: send this again', {
    headers: { 'retry-after': '5', connection: 'close' },
  });
}
