import { once } from 'node:events';
import { WebSocket } from 'ws';
import { expectThat } from './step.ts';

/** What the browser hears over its WebSocket. */
export type Message = { readonly type: string; readonly data?: Readonly<Record<string, unknown>> };

/** How long a message may take to arrive, in milliseconds. */
const MESSAGE_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Does what the page does in a browser, through the same front: cookies, requests, WebSocket. */
export class Visitor {
  readonly #origin: string;
  readonly #messages: Message[] = [];
  #cookie = '';
  #socket: WebSocket | undefined;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async logIn(): Promise<void> {
    const response = await this.#fetch('POST', '/demo/login', {});
    const [cookie = ''] = response.headers.getSetCookie();
    this.#cookie = cookie.split(';', 1)[0] ?? '';
    expectThat(this.#cookie !== '', 'The login set no cookie');
  }

  /** Opens the WebSocket; its first message is the acknowledgement. */
  async connect(): Promise<Message> {
    const url = `${this.#origin.replace(/^http/, 'ws')}/ws`;
    this.#socket = new WebSocket(url, { headers: { cookie: this.#cookie, origin: this.#origin } });
    this.#socket.on('message', (data) => void this.#messages.push(JSON.parse(String(data)) as Message));
    await once(this.#socket, 'open');
    return this.hear('connection_ack');
  }

  /** Waits for a message of a type, or takes the oldest that has come already. */
  async hear(type: string): Promise<Message> {
    expectThat(this.#socket !== undefined, 'The WebSocket is not open');
    const deadline = AbortSignal.timeout(MESSAGE_TIMEOUT_MS);
    for (;;) {
      const index = this.#messages.findIndex((message) => message.type === type);
      const [found] = index === -1 ? [] : this.#messages.splice(index, 1);
      if (found) return found;
      await once(this.#socket, 'message', { signal: deadline }).catch(() => {
        const heard = this.#messages.map((message) => message.type).join(', ') || 'nothing';
        throw new Error(
          `No ${type} came within ${MESSAGE_TIMEOUT_MS} ms over the WebSocket (heard: ${heard})`,
        );
      });
    }
  }

  /** A call of the API. @returns the answer's `data` */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body);
    const answer = (await response.json()) as { success: boolean; data: T };
    expectThat(answer.success, `${method} ${path} answered ${JSON.stringify(answer)}`);
    return answer.data;
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      headers: {
        cookie: this.#cookie,
        origin: this.#origin,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status} ${await response.text()}`);
    return response;
  }

  async close(): Promise<void> {
    if (this.#socket === undefined || this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
