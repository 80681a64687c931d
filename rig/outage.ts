import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { RigError } from './errors.ts';

/**
 * What happens to connections: `up` passes everything; `down` resets what is open and refuses what is new;
 * `silent` keeps connections open and passes nothing, as a network that drops packets does.
 */
export type LinkState = 'up' | 'down' | 'silent';

/** Starts a link of our own to a server, to be broken while that server itself keeps running. */
export async function startLink(targetPort: number, targetHost = '127.0.0.1'): Promise<Link> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new RigError('A TCP server has no port');
  return new Link(server, address.port, { host: targetHost, port: targetPort });
}

/** A TCP connection in between. Clients connect to `host:port` and reach the target. */
export class Link {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #open = new Set<Pair>();
  #state: LinkState = 'up';
  #answerBytesLeft = Number.POSITIVE_INFINITY;

  constructor(server: Server, port: number, target: { host: string; port: number }) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  get state(): LinkState {
    return this.#state;
  }

  up(): void {
    this.#state = 'up';
    this.#answerBytesLeft = Number.POSITIVE_INFINITY;
    for (const pair of this.#open) pair.flow();
  }

  down(): void {
    this.#state = 'down';
    for (const pair of this.#open) pair.reset();
  }

  silent(): void {
    this.#state = 'silent';
    for (const pair of this.#open) pair.hold();
  }

  /**
   * Goes down in the middle of an answer: once `bytes` more bytes have come back from the target, over all
   * connections. With 0, the request arrives and its answer never does.
   */
  downAfterAnswering(bytes: number): void {
    this.#answerBytesLeft = bytes;
  }

  #accept(client: Socket): void {
    if (this.#state === 'down') {
      client.resetAndDestroy();
      return;
    }
    const pair = new Pair(client, connect(this.#target), (chunk) => this.#allow(chunk));
    this.#open.add(pair);
    client.once('close', () => this.#open.delete(pair));
    if (this.#state === 'silent') pair.hold();
  }

  /** @returns how much of an answer may pass; goes down when that is not all of it */
  #allow(chunk: Buffer): Buffer {
    if (chunk.length <= this.#answerBytesLeft && this.#answerBytesLeft > 0) {
      this.#answerBytesLeft -= chunk.length;
      return chunk;
    }
    const allowed = chunk.subarray(0, this.#answerBytesLeft);
    this.#answerBytesLeft = 0;
    // After what may still pass has been handed to the kernel.
    setImmediate(() => this.down());
    return allowed;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.down();
    await closed;
  }
}

/** One client's connection and the one to the target behind it. */
class Pair {
  readonly #client: Socket;
  readonly #target: Socket;
  #held = false;

  constructor(client: Socket, target: Socket, allow: (answer: Buffer) => Buffer) {
    this.#client = client;
    this.#target = target;
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#end());
    }
    client.on('data', (chunk) => this.#pass(chunk, client, target));
    target.on('data', (chunk) => {
      const allowed = allow(chunk);
      if (allowed.length > 0) this.#pass(allowed, target, client);
    });
    client.once('end', () => target.end());
    target.once('end', () => client.end());
  }

  hold(): void {
    this.#held = true;
    this.#client.pause();
    this.#target.pause();
  }

  flow(): void {
    this.#held = false;
    this.#client.resume();
    this.#target.resume();
  }

  /** Ends both sides with a TCP reset: the client sees ECONNRESET, not an orderly end. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#target.destroy();
  }

  #end(): void {
    this.#client.destroy();
    this.#target.destroy();
  }

  /** Writes, and stops reading while the other side is slow. */
  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (to.write(chunk)) return;
    from.pause();
    to.once('drain', () => {
      if (!this.#held) from.resume();
    });
  }
}
