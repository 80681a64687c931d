import { once } from 'node:events';
import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';
import { JWT_SECRET, type World } from './world.ts';

/** A frame as the browser receives it. */
export type Notice = { type: string; user_id?: string; data: Record<string, unknown> };

/** An answer of the API in its envelope. */
export type Answer = {
  status: number;
  body: { success: boolean; data?: unknown; message?: string; error?: string; code?: string };
};

/** A user of Matcha: speaks to the gateway over HTTP and listens on a WebSocket, as a browser does. */
export class Member {
  readonly id: number;
  readonly email: string;
  readonly token: string;
  /** Everything that arrived over the WebSocket, oldest first. */
  readonly notices: Notice[] = [];
  readonly #world: World;
  readonly #socket: WebSocket;
  #heard = 0;

  private constructor(world: World, id: number, email: string, socket: WebSocket, token: string) {
    this.#world = world;
    this.id = id;
    this.email = email;
    this.token = token;
    this.#socket = socket;
    socket.on('message', (frame) => {
      const notice = JSON.parse(String(frame)) as Notice;
      if (notice.type === 'connection_ack') return;
      this.notices.push(notice);
      this.#heard += 1;
    });
  }

  static async open(world: World, id: number, email: string): Promise<Member> {
    // Years, so that a story may take years of the sandbox's time.
    const token = jwt.sign({ scope: 'access' }, JWT_SECRET, { subject: String(id), expiresIn: '20y' });
    const socket = new WebSocket(`${world.gatewayUrl.replace('http', 'ws')}/ws?token=${token}`);
    const member = new Member(world, id, email, socket, token);
    await once(socket, 'message');
    return member;
  }

  async get(path: string): Promise<Answer> {
    return this.#ask('GET', path);
  }

  async post(path: string, body: unknown): Promise<Answer> {
    return this.#ask('POST', path, body);
  }

  async delete(path: string, body?: unknown): Promise<Answer> {
    return this.#ask('DELETE', path, body);
  }

  async #ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#world.gatewayUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  /** What `GET /api/stripe/subscription` says. */
  async subscription(): Promise<SubscriptionAnswer> {
    const answer = await this.get('/api/stripe/subscription');
    return answer.body.data as SubscriptionAnswer;
  }

  /** Begins a checkout; answers with the session's id. */
  async beginCheckout(plan: 'mensuel' | 'annuel' = 'mensuel'): Promise<string> {
    const answer = await this.post('/api/stripe/subscription', { plan_type: plan });
    if (answer.status !== 200) throw new Error(`Checkout refused: ${JSON.stringify(answer)}`);
    return (answer.body.data as { id: string }).id;
  }

  /** Buys and waits until everything about the purchase has arrived. Answers with the subscription's id. */
  async buys(plan: 'mensuel' | 'annuel' = 'mensuel', card = 'succeeds'): Promise<string> {
    const session = await this.beginCheckout(plan);
    const { session: paid, outcome } = this.#world.sandbox.completeCheckout({
      session,
      card,
      email: this.email,
    });
    if (outcome !== 'complete') throw new Error(`The purchase ended as ${outcome}`);
    await this.#world.settle();
    return String(paid.subscription);
  }

  /** Resolves once this many notices have arrived in all. */
  async hasHeard(count: number): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    while (this.#heard < count) await once(this.#socket, 'message', { signal });
  }

  /** The types of the notices so far, oldest first. */
  heard(): string[] {
    return this.notices.map((notice) => notice.type);
  }

  /** Forgets what was heard, so that a story can ask what its next step causes. */
  forget(): void {
    this.notices.length = 0;
  }

  close(): void {
    this.#socket.close();
  }
}

export type SubscriptionAnswer = {
  is_premium: boolean;
  premium_until: string | null;
  reason: string;
  subscription: {
    id: number;
    plan_type: string;
    status: string;
    stripe_status: string | null;
    current_period_start: string | null;
    current_period_end: string | null;
    cancel_at_period_end: boolean;
    canceled_at: string | null;
    trial_start: string | null;
    trial_end: string | null;
    stripe_subscription_id: string;
  } | null;
};
