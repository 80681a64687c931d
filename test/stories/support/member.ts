import { once } from 'node:events';
import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';
import { toUnixSeconds } from '../../../src/shared/unix-time.ts';
import { type Account, accountOf } from './account.ts';
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
  /** How many of the notices {@link news} has told. */
  #told = 0;

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
    const claims = { scope: 'access', iat: toUnixSeconds(world.now) };
    const token = jwt.sign(claims, JWT_SECRET, { subject: String(id), expiresIn: '20y' });
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

  /** All that the API tells this user, made sure of against the rows and against itself. */
  account(): Promise<Account> {
    return accountOf(this, this.#world);
  }

  /** Begins a checkout; answers with the session's id. */
  async beginCheckout(plan: 'mensuel' | 'annuel' = 'mensuel'): Promise<string> {
    const answer = await this.post('/api/stripe/subscription', { plan_type: plan });
    if (answer.status !== 200) throw new Error(`Checkout refused: ${JSON.stringify(answer)}`);
    return (answer.body.data as { id: string }).id;
  }

  /** Becomes a customer at Stripe without buying; answers with the customer's id. */
  async becomesCustomer(): Promise<string> {
    await this.beginCheckout();
    await this.#world.settle();
    const customer = (await this.#world.rows.customers()).find((row) => row.userId === this.id);
    if (!customer) throw new Error(`User ${this.id} has no customer`);
    return customer.stripeCustomerId;
  }

  /** Buys and waits until everything about the purchase has arrived. Answers with the subscription's id. */
  async buys(plan: 'mensuel' | 'annuel' = 'mensuel', card = 'succeeds'): Promise<string> {
    const session = await this.beginCheckout(plan);
    return this.pays(session, { card });
  }

  /** Fills in the page of a checkout; see {@link buys}. */
  async pays(
    session: string,
    given: { card?: string; promo?: string; authenticate?: boolean } = {},
  ): Promise<string> {
    const { session: paid, outcome } = this.#world.sandbox.completeCheckout({
      session,
      email: this.email,
      ...given,
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

  /** Forgets what was heard. */
  forget(): void {
    this.notices.length = 0;
    this.#told = 0;
  }

  /** The types of the notices since this was last asked, in alphabetical order. */
  news(): string[] {
    const fresh = this.notices.slice(this.#told);
    this.#told = this.notices.length;
    return fresh.map((notice) => notice.type).sort();
  }

  /** What the latest notice of a type said. */
  latest(type: string): Record<string, unknown> {
    const notice = this.notices.findLast((each) => each.type === type);
    if (!notice)
      throw new Error(`Never heard ${type}, only ${this.notices.map((each) => each.type).join(', ')}`);
    return notice.data;
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
