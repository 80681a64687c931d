import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type BodyShare, bodiesInHand } from '../shared/http/body-budget.ts';
import { GrowingBytes } from '../shared/http/growing-bytes.ts';

/**
 * What passes of a request's body, kept so that it can be sent once more. Holds no stream up, and keeps nothing of a
 * body that is too long or for which there is no room: that one is sent once.
 */
export class BodyCopy {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #share: BodyShare;
  #copy: GrowingBytes | undefined = new GrowingBytes();
  #bytes = 0;
  readonly #keep = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    const growth = this.#copy?.growthFor(chunk.length) ?? 0;
    if (this.#bytes <= this.#maxBytes && this.#share.take(growth)) this.#copy?.append(chunk);
    else this.drop();
  };
  readonly #arrived = (): void => this.#share.arrived();
  readonly #gaveUp = Promise.withResolvers<void>();

  /** Begins to copy; whoever reads the request has to begin in the same tick. */
  constructor(request: IncomingMessage, maxBytes: number) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#share = bodiesInHand.open(() => this.drop());
    request.on('data', this.#keep);
    request.once('end', this.#arrived);
  }

  /** Forgets what it has, and keeps no more. */
  drop(): void {
    this.#request.off('data', this.#keep).off('end', this.#arrived);
    this.#copy = undefined;
    this.#share.release();
  }

  /** As {@link drop}; nobody shall wait for the rest of the body either. */
  giveUp(): void {
    this.drop();
    this.#gaveUp.resolve();
  }

  /**
   * The whole body from its beginning, once all of it has come.
   * @returns undefined when there was too much of it, it was given up, or the client has gone
   */
  async fromStart(): Promise<Readable | undefined> {
    const request = this.#request;
    if (!request.readableEnded && !request.destroyed) {
      request.resume();
      const over = [once(request, 'end'), once(request, 'close'), this.#gaveUp.promise];
      await Promise.race(over).catch(() => undefined);
    }
    if (!request.readableEnded || this.#copy === undefined) return undefined;
    const { bytes } = this.#copy;
    return Readable.from(bytes.length === 0 ? [] : [bytes]);
  }
}
