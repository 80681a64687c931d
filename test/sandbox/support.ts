import http from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/index.ts';

export const MONTHLY = 'price_mensuel';
export const YEARLY = 'price_annuel';
export const SECRET = 'whsec_sandbox_tests';
export const DAY = 86_400;
export const HOUR = 3_600;
/** 2027-01-15T08:00:00Z: no month nearby is so short that the 15th moves. */
export const START = 1_800_000_000;

/** A webhook endpoint that checks every signature as our service would. */
export class Inbox {
  readonly events: Stripe.Event[] = [];
  readonly bodies: string[] = [];
  readonly signatures: string[] = [];
  /** Statuses for the next requests; 200 when it runs out. */
  readonly answers: number[] = [];
  #waiting: { type: string; resolve: () => void }[] = [];
  #server = http.createServer((request, response) => void this.#receive(request, response));
  /** Requests stay unanswered while this is true. */
  silent = false;

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/webhook`;
  }

  get types(): string[] {
    return this.events.map((event) => event.type);
  }

  /** The latest object that came with a type. */
  last<T extends Stripe.Event['type']>(type: T): Extract<Stripe.Event, { type: T }> {
    const event = this.events.findLast((each) => each.type === type);
    if (!event) throw new Error(`no ${type} among ${this.types.join(', ')}`);
    return event as Extract<Stripe.Event, { type: T }>;
  }

  count(type: string): number {
    return this.types.filter((each) => each === type).length;
  }

  /** Resolves when an event of this type has come. */
  waitFor(type: string): Promise<void> {
    if (this.types.includes(type)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  clear(): void {
    this.events.length = 0;
    this.bodies.length = 0;
    this.signatures.length = 0;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const signature = String(request.headers['stripe-signature']);
    this.bodies.push(body.toString());
    this.signatures.push(signature);
    this.events.push(stripeWebhooks.constructEvent(body, signature, SECRET));
    for (const { type, resolve } of this.#waiting) if (this.types.includes(type)) resolve();
    if (this.silent) return;
    const status = this.answers.shift() ?? 200;
    response.writeHead(status, status === 302 ? { Location: '/elsewhere' } : {}).end();
  }
}

const stripeWebhooks = new Stripe('sk_test_inbox').webhooks;

export interface Shop {
  sandbox: Sandbox;
  stripe: Stripe;
  inbox: Inbox;
  close(): Promise<void>;
}

export interface ShopOptions extends SandboxOptions {
  /** The API version of the inbox; the account's when absent. */
  endpointVersion?: string;
}

/** A sandbox whose clock stands still, with both prices and a webhook endpoint, and an SDK that talks to it. */
export async function openShop({ endpointVersion, ...options }: ShopOptions = {}): Promise<Shop> {
  const inbox = new Inbox();
  const url = await inbox.listen();
  const sandbox = await createSandbox({
    port: 0,
    startAt: START,
    frozen: true,
    prices: { mensuel: MONTHLY, annuel: YEARLY },
    ...options,
    webhook: { url, secret: SECRET, apiVersion: endpointVersion },
    // One connection keeps the order, which most stories tell about; deliveries.test.ts uses several.
    deliveries: { concurrency: 1, retryBaseMs: 5, ...options.deliveries },
  });
  const stripe = new Stripe('sk_test_shop', { ...sandbox.stripeOptions, maxNetworkRetries: 0 });
  return {
    sandbox,
    stripe,
    inbox,
    close: async () => {
      await sandbox.close();
      inbox.close();
    },
  };
}

/** A Checkout Session for the monthly price. */
export function openSession(
  { stripe }: Shop,
  params: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<Stripe.Checkout.Session> {
  return stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: MONTHLY, quantity: 1 }],
    success_url: 'https://matcha.test/merci?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://matcha.test/premium',
    client_reference_id: '42',
    subscription_data: { metadata: { user_id: '42' } },
    ...params,
  });
}

/** Somebody who bought the monthly plan; the inbox is empty again afterwards. */
export async function buy(
  shop: Shop,
  options: { card?: string; params?: Partial<Stripe.Checkout.SessionCreateParams> } = {},
): Promise<Stripe.Subscription> {
  const session = await openSession(shop, options.params);
  const { session: done, message } = shop.sandbox.completeCheckout({
    session: session.id,
    card: options.card,
    email: 'lea@example.com',
    authenticate: true,
  });
  if (!done.subscription) throw new Error(`the purchase failed: ${message}`);
  await shop.sandbox.deliveries.idle();
  shop.inbox.clear();
  return shop.stripe.subscriptions.retrieve(done.subscription);
}

/** Moves the clock and waits until everybody has heard of what happened. */
export async function pass({ sandbox }: Shop, seconds: number): Promise<void> {
  await sandbox.advance(seconds);
  await sandbox.deliveries.idle();
}

/** The id behind an expandable field. */
export function idOf(value: string | { id: string } | null | undefined): string {
  if (!value) throw new Error('there is no id');
  return typeof value === 'string' ? value : value.id;
}

/** The error a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('it was expected to fail');
}
