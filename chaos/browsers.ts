import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';

const RECONNECT_MS = 200;

/** One open tab of one user: connects again whenever it is cut off, and keeps every frame it was shown. */
class Tab {
  readonly name: string;
  readonly userId: number;
  readonly frames: string[] = [];
  readonly #url: string;
  readonly #token: string;
  #socket: WebSocket | undefined;
  #closed = false;

  constructor(name: string, userId: number, url: string, token: string) {
    this.name = name;
    this.userId = userId;
    this.#url = url;
    this.#token = token;
    this.#connect();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, { headers: { authorization: `Bearer ${this.#token}` } });
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const text = String(data);
      if ((JSON.parse(text) as { type: string }).type !== 'connection_ack') this.frames.push(text);
    });
    socket.once('close', () => {
      if (!this.#closed) setTimeout(() => this.#closed || this.#connect(), RECONNECT_MS);
    });
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }
}

/** A tab of every user at every gateway process. */
export class Browsers {
  readonly #tabs: Tab[];

  constructor(userIds: readonly number[], gatewayPorts: readonly number[], jwtSecret: string) {
    this.#tabs = userIds.flatMap((userId) => {
      const token = jwt.sign({ scope: 'access' }, jwtSecret, { subject: String(userId), expiresIn: '1d' });
      return gatewayPorts.map(
        (port, i) =>
          new Tab(`user ${userId} at gateway ${i + 1}`, userId, `ws://127.0.0.1:${port}/ws`, token),
      );
    });
  }

  get tabs(): readonly { name: string; userId: number; frames: readonly string[] }[] {
    return this.#tabs;
  }

  close(): void {
    for (const tab of this.#tabs) tab.close();
  }
}
