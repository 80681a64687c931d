import { type RawData, WebSocket } from 'ws';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { LOGIN_TOKEN_LEEWAY_MS } from '../shared/login-token.ts';
import {
  connectionAck,
  errorFrame,
  PONG,
  parseClientFrame,
  subscriptionAck,
  unsubscriptionAck,
} from './frames.ts';
import type { Hub } from './hub.ts';
import type { Limits } from './limits.ts';

export type ConnectionDeps = { hub: Hub; limits: Limits; clock: Clock; logger: Logger };

/** WebSocket close codes (RFC 6455 §7.4.1). */
export const CLOSE = { goingAway: 1001, policyViolation: 1008 } as const;

/** The longest a Node timer can wait; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One tab of one logged-in user. It joins the hub when made and leaves when its socket closes. */
export class Connection {
  readonly userId: string;
  readonly channels = new Set<string>();
  readonly #socket: WebSocket;
  readonly #deps: ConnectionDeps;
  /** When the login behind this socket ends, in epoch milliseconds. */
  readonly #endsAtMs: number;
  #expiry: NodeJS.Timeout | undefined;
  #answeredLastPing = true;

  constructor(socket: WebSocket, login: { userId: number; expiresAt: Date }, deps: ConnectionDeps) {
    this.userId = String(login.userId);
    this.#socket = socket;
    this.#deps = deps;
    const expiresAtMs = login.expiresAt.getTime();
    // A token let in during its leeway lasts to the end of it, not minus some seconds.
    this.#endsAtMs =
      expiresAtMs > deps.clock.now().getTime() ? expiresAtMs : expiresAtMs + LOGIN_TOKEN_LEEWAY_MS;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => {
      this.#answeredLastPing = true;
    });
    // `ws` closes the socket itself after a protocol error; unheard, the event would end the process.
    socket.on('error', (error) => deps.logger.debug({ err: error, userId: this.userId }, 'WebSocket failed'));
    socket.on('close', () => {
      clearTimeout(this.#expiry);
      deps.hub.leave(this);
    });
    deps.hub.join(this);
    this.#awaitExpiry();
    this.send(connectionAck(this.userId));
  }

  /** Sends a frame; a socket that reads too slowly to keep up is cut off instead of filling our memory. */
  send(frame: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#deps.limits.maxBufferedBytes) {
      this.#deps.logger.info(
        { userId: this.userId, bufferedBytes: this.#socket.bufferedAmount },
        'Cut off a WebSocket that does not read',
      );
      this.#socket.terminate();
      return;
    }
    this.#socket.send(frame);
  }

  /** Pings the browser, or drops the socket when the last ping was never answered. */
  checkAlive(): void {
    if (!this.#answeredLastPing) {
      this.#socket.terminate();
      return;
    }
    this.#answeredLastPing = false;
    this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Drops the socket without a goodbye. */
  terminate(): void {
    this.#socket.terminate();
  }

  #awaitExpiry(): void {
    const leftMs = this.#endsAtMs - this.#deps.clock.now().getTime();
    if (leftMs <= 0) {
      this.close(CLOSE.policyViolation, 'the login token has expired');
      return;
    }
    this.#expiry = setTimeout(() => this.#awaitExpiry(), Math.min(leftMs, MAX_TIMER_MS));
  }

  #receive(data: RawData, isBinary: boolean): void {
    const frame = isBinary ? undefined : parseClientFrame(String(data));
    switch (frame?.type) {
      case 'ping':
        this.send(PONG);
        break;
      case 'subscribe':
        this.#subscribe(frame.data.channel);
        break;
      case 'unsubscribe':
        this.#deps.hub.unsubscribe(this, frame.data.channel);
        this.send(unsubscriptionAck(frame.data.channel));
        break;
      default:
        this.send(
          errorFrame('malformed_frame', 'Send JSON text: ping, or subscribe/unsubscribe with data.channel'),
        );
    }
  }

  #subscribe(channel: string): void {
    const { maxChannelsPerConnection } = this.#deps.limits;
    if (!this.channels.has(channel) && this.channels.size >= maxChannelsPerConnection) {
      this.send(
        errorFrame('too_many_channels', `At most ${maxChannelsPerConnection} channels: unsubscribe from one`),
      );
      return;
    }
    this.#deps.hub.subscribe(this, channel);
    this.send(subscriptionAck(channel));
  }
}
