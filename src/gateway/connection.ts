import { type RawData, WebSocket } from 'ws';
import type { Clock } from '../shared/clock.ts';
import { HttpError, toError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { LOGIN_TOKEN_LEEWAY_MS } from '../shared/login-token.ts';
import { FrameAllowance } from './frame-allowance.ts';
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
import type { Login } from './login.ts';

export type ConnectionDeps = {
  hub: Hub;
  limits: Limits;
  clock: Clock;
  logger: Logger;
  /** What a browser may subscribe to. */
  channels: ReadonlySet<string>;
  /** Throws {@link HttpError} 401 when a token is not valid any more, 503 when that cannot be known. */
  verifyLogin: (token: string) => Promise<unknown>;
};

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
  readonly #token: string;
  readonly #allowance: FrameAllowance;
  /** When the login behind this socket ends, in epoch milliseconds. */
  readonly #endsAtMs: number;
  #expiry: NodeJS.Timeout | undefined;
  #goodbye: NodeJS.Timeout | undefined;
  #answeredLastPing = true;

  constructor(socket: WebSocket, login: Login, deps: ConnectionDeps) {
    this.userId = String(login.userId);
    this.#socket = socket;
    this.#deps = deps;
    this.#token = login.token;
    this.#allowance = new FrameAllowance(deps.limits);
    const expiresAtMs = login.expiresAt.getTime();
    // A token let in during its leeway lasts to the end of it, not minus some seconds.
    this.#endsAtMs =
      expiresAtMs > deps.clock.now().getTime() ? expiresAtMs : expiresAtMs + LOGIN_TOKEN_LEEWAY_MS;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', () => this.#count());
    socket.on('pong', () => {
      this.#answeredLastPing = true;
      this.#count();
    });
    // `ws` closes the socket itself after a protocol error; unheard, the event would end the process.
    socket.on('error', (error) => deps.logger.debug({ err: error, userId: this.userId }, 'WebSocket failed'));
    socket.on('close', () => {
      clearTimeout(this.#expiry);
      clearTimeout(this.#goodbye);
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

  /**
   * Closes the socket when its login was revoked. While that cannot be known it stays open: it was let in by a valid
   * login, and ends with that at the latest.
   */
  async checkLogin(): Promise<void> {
    try {
      await this.#deps.verifyLogin(this.#token);
    } catch (thrown) {
      if (thrown instanceof HttpError && thrown.status === 401) {
        this.close(CLOSE.policyViolation, 'the login is not valid any more');
      } else {
        this.#deps.logger.debug(
          { err: toError(thrown), userId: this.userId },
          'The login of a WebSocket could not be checked; it is with the next heartbeat',
        );
      }
    }
  }

  /** Says goodbye, and cuts off who does not answer it. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.close(code, reason);
    this.#goodbye = setTimeout(() => this.terminate(), this.#deps.limits.socketGoodbyeMs);
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

  /** @returns whether the browser may go on */
  #count(): boolean {
    // What still comes after the goodbye counts for nothing.
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    if (this.#allowance.take()) return true;
    this.#deps.logger.info({ userId: this.userId }, 'Closed a WebSocket that sends too much');
    this.close(CLOSE.policyViolation, 'too many frames');
    return false;
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.#count()) return;
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
    if (!this.#deps.channels.has(channel)) {
      this.send(
        errorFrame('channel_not_allowed', 'This channel is not in the GATEWAY_CHANNELS of the gateway'),
      );
      return;
    }
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
