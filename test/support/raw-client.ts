import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that writes HTTP by hand, and stops wherever the story says. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<unknown>;
  #answer = '';
  #readers: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => {
      this.#answer += chunk;
      for (const read of this.#readers.splice(0)) read();
    });
    this.closed = once(this.socket, 'close').catch(() => undefined);
    this.closed.then(() => {
      for (const read of this.#readers.splice(0)) read();
    });
  }

  /** Everything that came so far. */
  get answer(): string {
    return this.#answer;
  }

  /** Begins a POST; see {@link send}. */
  post(path: string, headers: Readonly<Record<string, string | number>>): this {
    return this.send('POST', path, headers);
  }

  /** Begins a request; the body, or a part of it, is what the story writes next. */
  send(method: string, path: string, headers: Readonly<Record<string, string | number>>): this {
    const lines = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  write(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** The status of the first answer; undefined when the connection was closed without one. */
  async status(): Promise<number | undefined> {
    for (;;) {
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(this.#answer) ?? [];
      if (status !== undefined) return Number(status);
      if (this.socket.destroyed) return undefined;
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  /** The whole first answer, its body included where it says how long that is. */
  async wholeAnswer(): Promise<string> {
    for (;;) {
      const [head = '', body] = this.#answer.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (body !== undefined && Buffer.byteLength(body) >= length) return this.#answer;
      if (this.socket.destroyed) return this.#answer;
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }
}
