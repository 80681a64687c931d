import { connect, type Socket } from 'node:net';

/** What came back. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  /** The server closed the connection without an answer. */
  | { readonly kind: 'closed' }
  /** Nothing came in time. */
  | { readonly kind: 'silent' };

export type Destination = { readonly host: string; readonly port: number };

const KEPT_BODY_BYTES = 20_000;

/**
 * Sends bytes exactly as they are, over a connection of their own or a kept one, and reads what comes back. Node's own
 * client would refuse to send most of what is sent here.
 */
export class Wire {
  readonly #destination: Destination;
  #kept: Socket | undefined;

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /**
   * @param request.reusable whether the connection can be used again: the request is framed as it says
   * @param request.method of the request, since an answer to HEAD has no body
   * @param timeoutMs how long the answer may take
   */
  async exchange(
    request: { bytes: Buffer; reusable: boolean; method: string; endAfter?: boolean },
    timeoutMs: number,
  ): Promise<Answer> {
    const kept = request.reusable ? this.#kept : undefined;
    if (request.reusable) this.#kept = undefined;
    const socket = kept && !kept.destroyed ? kept : await this.#connect();
    const { answer, intact } = await converse(socket, request, timeoutMs);
    if (request.reusable && intact) {
      this.#kept = socket;
      return answer;
    }
    socket.destroy();
    // A kept connection may have been closed for its age just when it was used.
    if (kept && answer.kind === 'closed') return this.exchange(request, timeoutMs);
    return answer;
  }

  #connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...this.#destination, noDelay: true, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
  }

  close(): void {
    this.#kept?.destroy();
  }
}

function converse(
  socket: Socket,
  { bytes, method, endAfter }: { bytes: Buffer; method: string; endAfter?: boolean },
  timeoutMs: number,
): Promise<{ answer: Answer; intact: boolean }> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0) as Buffer;
    const finish = (answer: Answer, intact: boolean): void => {
      clearTimeout(timer);
      socket.off('data', read);
      socket.off('close', ended);
      socket.off('end', ended);
      resolve({ answer, intact });
    };
    const read = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const parsed = parseAnswer(received, method, false);
      if (parsed) finish(parsed.answer, parsed.keepAlive);
    };
    const ended = (): void => {
      const parsed = parseAnswer(received, method, true);
      finish(parsed?.answer ?? { kind: 'closed' }, false);
    };
    const timer = setTimeout(() => finish({ kind: 'silent' }, false), timeoutMs);
    socket.on('data', read);
    socket.on('close', ended);
    socket.on('end', ended);
    if (endAfter) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** @returns undefined while there is not a whole answer yet */
function parseAnswer(
  bytes: Buffer,
  method: string,
  ended: boolean,
): { answer: Answer; keepAlive: boolean } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? Number.NaN);
  const rest = bytes.subarray(headEnd + 4);
  if (status === 100) return parseAnswer(rest, method, ended);
  const keepAlive = !/\r\nconnection: *close/i.test(head);
  const done = (body: Buffer, keep: boolean) => ({
    answer: { kind: 'answered' as const, status, body: body.toString('utf8', 0, KEPT_BODY_BYTES) },
    keepAlive: keep && keepAlive,
  });
  if (method === 'HEAD' || status === 101 || status === 204 || status === 304) {
    return done(Buffer.alloc(0), status !== 101);
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    if (rest.length >= Number(length)) return done(rest, rest.length === Number(length));
    return ended ? done(rest, false) : undefined;
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const whole = rest.subarray(-5).toString('latin1') === '0\r\n\r\n';
    return whole || ended ? done(rest, whole) : undefined;
  }
  return ended ? done(rest, false) : undefined;
}
