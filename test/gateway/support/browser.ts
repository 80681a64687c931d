import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

export type Frame = { type: string; data?: unknown; [key: string]: unknown };

/** A tab with an open WebSocket that keeps every frame until somebody asks for it. */
export class Browser {
  readonly socket: WebSocket;
  readonly #frames: string[] = [];
  readonly #readers: ((frame: string) => void)[] = [];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data) => {
      const reader = this.#readers.shift();
      if (reader) reader(String(data));
      else this.#frames.push(String(data));
    });
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
    this.socket.on('error', () => {});
  }

  /** Opens a tab and reads its `connection_ack` away. */
  static async open(port: number, token: string): Promise<Browser> {
    const browser = new Browser(`ws://127.0.0.1:${port}/ws`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await once(browser.socket, 'open');
    await browser.next();
    return browser;
  }

  /** The next frame, exactly as it came. */
  nextText(): Promise<string> {
    const frame = this.#frames.shift();
    return frame === undefined
      ? new Promise((resolve) => this.#readers.push(resolve))
      : Promise.resolve(frame);
  }

  async next(): Promise<Frame> {
    return JSON.parse(await this.nextText());
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  async subscribe(channel: string): Promise<void> {
    this.say({ type: 'subscribe', data: { channel } });
    await this.next();
  }
}

/** The HTTP answer to an upgrade that was refused. */
export async function refusedUpgrade(
  url: string,
  options: ClientOptions = {},
): Promise<{ status: number; body: { success: boolean; error: string; code: string } }> {
  const socket = new WebSocket(url, options);
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body: JSON.parse(body) };
}
