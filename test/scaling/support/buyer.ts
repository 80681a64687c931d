import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';
import type { Matcha } from '../../../rig/matcha.ts';
import { poll } from '../../../rig/poll.ts';
import { sandboxAction } from './sandbox.ts';

/** What could not be queued while Redis hung is left to the sweep, which waits a minute first. */
const PATIENCE_MS = 100_000;

export type Answer = {
  readonly status: number;
  readonly body: { readonly data?: unknown; readonly code?: string };
};

/** A user who buys premium at a running installation, over HTTP and a WebSocket, as a browser does. */
export class Buyer {
  readonly id: number;
  readonly token: string;
  readonly email: string;
  /** Types of everything that came over the WebSocket, oldest first. */
  readonly heard: string[] = [];
  readonly #matcha: Matcha;
  readonly #socket: WebSocket;

  private constructor(matcha: Matcha, user: { id: number; email: string; token: string }, socket: WebSocket) {
    this.#matcha = matcha;
    this.id = user.id;
    this.email = user.email;
    this.token = user.token;
    this.#socket = socket;
    socket.on(
      'message',
      (frame) => void this.heard.push((JSON.parse(String(frame)) as { type: string }).type),
    );
  }

  /** A new user with an open WebSocket. */
  static async open(matcha: Matcha): Promise<Buyer> {
    const email = `buyer-${randomBytes(4).toString('hex')}@example.com`;
    const [row] = await matcha.query(
      'insert into users (username, email, email_verified) values ($1, $1, true) returning id',
      [email],
    );
    const id = Number(row?.id);
    const token = jwt.sign({ scope: 'access' }, matcha.secrets.jwtSecret, {
      subject: String(id),
      expiresIn: '1h',
    });
    const socket = new WebSocket(`${matcha.urls.gateway.replace('http', 'ws')}/ws?token=${token}`);
    const buyer = new Buyer(matcha, { id, email, token }, socket);
    await once(socket, 'message');
    return buyer;
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#matcha.urls.gateway}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  /** Begins a checkout. @returns the session's id */
  async beginsCheckout(): Promise<string> {
    const answer = await this.call('POST', '/api/stripe/subscription', { plan_type: 'mensuel' });
    if (answer.status !== 200) throw new Error(`The checkout was refused: ${JSON.stringify(answer)}`);
    return (answer.body.data as { id: string }).id;
  }

  /** Pays at Stripe; what follows takes its time. */
  async pays(session: string): Promise<void> {
    await sandboxAction(this.#matcha, 'complete-checkout', { session, email: this.email, card: 'succeeds' });
  }

  async buys(): Promise<void> {
    await this.pays(await this.beginsCheckout());
  }

  /** Resolves when every type has come over the WebSocket. */
  async hears(...types: string[]): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (!types.every((type) => this.heard.includes(type))) {
      await once(this.#socket, 'message', { signal }).catch(() => {
        throw new Error(
          `Heard ${this.heard.join(', ')} in ${PATIENCE_MS} ms, and not all of ${types.join(', ')}`,
        );
      });
    }
  }

  /** The answer of `GET /api/stripe/subscription`, asked again while it is 503. */
  async subscription(): Promise<{ is_premium: boolean; premium_until: string | null }> {
    const answer = await poll(
      async () => {
        const { status, body } = await this.call('GET', '/api/stripe/subscription');
        return status === 503 ? undefined : { status, body };
      },
      { everyMs: 100, timeoutMs: PATIENCE_MS },
    );
    if (answer?.status !== 200) throw new Error(`The subscription was answered ${JSON.stringify(answer)}`);
    return answer.body.data as { is_premium: boolean; premium_until: string | null };
  }

  close(): void {
    this.#socket.terminate();
  }
}
