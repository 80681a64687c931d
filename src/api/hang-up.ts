import type { ServerResponse } from 'node:http';
import { HttpError } from '../shared/errors.ts';

/** Nobody waits for the answer any more, so that only the access log sees this status. */
const CLIENT_GONE = 499;

/** A signal that comes when a client goes away before its answer is through. */
export function hangUpOf(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const check = (): void => {
    if (!response.writableFinished) {
      controller.abort(
        new HttpError(CLIENT_GONE, 'client_gone', 'The client hung up before it was answered'),
      );
    }
  };
  if (response.destroyed) check();
  else response.once('close', check);
  return controller.signal;
}

/** What work comes to, unless the signal comes first; whatever the work still does then is nobody's concern. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    aborted.promise.catch(() => undefined);
  }
}
