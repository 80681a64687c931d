import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';

/**
 * One kept-alive HTTP/1.1 connection that sends ready-made requests, one at a time. It reads no more of an answer than
 * its status and length, so that the machine's time goes to what is measured.
 */
export class RawConnection {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #settle: { resolve: (status: number) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The server closed the connection')));
  }

  static open(host: string, port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** Whether it can still be used: a server closes what is idle for long. */
  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** @returns the status of the answer, once that has arrived whole */
  send(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      if (!this.open) {
        reject(new Error('The connection is closed'));
        return;
      }
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  #read(chunk: Buffer): void {
    // A server says 408 to a connection that has never been used for long, and closes it.
    if (this.#settle === undefined) {
      this.#socket.destroy();
      return;
    }
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = this.#pending.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#pending.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#fail(new Error(`An answer without Content-Length: ${head.slice(0, 200)}`));
      return;
    }
    const whole = end + HEAD_END.length + Number(length);
    if (this.#pending.length < whole) return;
    this.#pending = this.#pending.subarray(whole);
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(Number(head.slice(9, 12)));
  }

  #fail(error: Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.reject(error);
  }

  close(): void {
    this.#socket.destroy();
  }
}
