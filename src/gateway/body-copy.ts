import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** What passes of a request's body, kept so that it can be sent once more. Holds no stream up. */
export class BodyCopy {
  readonly #request: IncomingMessage;
  readonly #chunks: Buffer[] = [];
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #keep = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(chunk);
    else this.drop();
  };

  /** Begins to copy; whoever reads the request has to begin in the same tick. */
  constructor(request: IncomingMessage, maxBytes: number) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    request.on('data', this.#keep);
  }

  /** Forgets what it has, and keeps no more. */
  drop(): void {
    this.#request.off('data', this.#keep);
    this.#chunks.length = 0;
  }

  /**
   * The whole body from its beginning, once all of it has come.
   * @returns undefined when there was too much of it, or the client has gone
   */
  async fromStart(): Promise<Readable | undefined> {
    const request = this.#request;
    if (!request.readableEnded && !request.destroyed) {
      request.resume();
      await Promise.race([once(request, 'end'), once(request, 'close')]).catch(() => undefined);
    }
    const whole = request.readableEnded && this.#bytes <= this.#maxBytes;
    return whole ? Readable.from(this.#chunks) : undefined;
  }
}
