import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';
import { HttpError } from '../shared/errors.ts';

/**
 * Reads a request's bytes. How long that may take is the server's `requestTimeout`.
 * @throws {HttpError} 413 above `limitBytes`, 400 when the client did not send all it announced
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  try {
    return await getRawBody(request, {
      limit: limitBytes,
      length: request.headers['content-length'] ?? null,
    });
  } catch (error) {
    if (error instanceof Error && 'type' in error && error.type === 'entity.too.large') {
      // The rest is thrown away as it comes: a client still writing would not read our answer.
      request.resume();
      throw new HttpError(413, 'body_too_large', `The body may have at most ${limitBytes} bytes`);
    }
    throw new HttpError(400, 'unreadable_body', 'The body could not be read to its end', { cause: error });
  }
}
