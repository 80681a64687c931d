import { EventEmitter, once } from 'node:events';
import { Redis } from 'ioredis';
import jwt from 'jsonwebtoken';
import Stripe from 'stripe';
import { WebSocket } from 'ws';
import { type Extra, type Matcha, startMatcha } from '../../../rig/matcha.ts';
import { PRICES } from '../../../rig/matcha-environment.ts';
import { MatchaGateway } from '../../../rig/matcha-gateway.ts';
import { type Link, startLink } from '../../../rig/outage.ts';
import { Pile } from '../../../rig/pile.ts';
import { poll } from '../../../rig/poll.ts';
import { startPostgres } from '../../../rig/postgres.ts';
import { type RedisServer, startRedis } from '../../../rig/redis.ts';
import { withSql } from '../../../rig/sql.ts';
import { signatureHeader } from '../../../sandbox/index.ts';
import { handlerOf } from '../../../src/workers/events/registry.ts';

/** How long anything may take that has to happen, in milliseconds: a dead worker's jobs are offered again after 15 s. */
const PATIENCE_MS = 40_000;
const EVERY_MS = 50;

/** A purchase that Stripe knows of and nobody has been told about yet. */
export type Purchase = {
  readonly userId: number;
  readonly customer: string;
  readonly subscription: string;
  readonly invoice: string;
};

export type Told = { readonly id: string; readonly status: number; readonly retryAfter: string | null };

/** Real processes on private servers, with a Stripe that tells nobody anything unless a test does. */
export class Installation {
  readonly matcha: Matcha;
  readonly redis: RedisServer;
  readonly stripe: Stripe;
  /** Between the workers and the gateway. */
  readonly gatewayLink: Link;
  /** Before the gateway, with the limiter of Matcha's own; what the workers send goes through it. */
  readonly limiter: MatchaGateway;
  readonly #pile: Pile;
  #users = 0;

  private constructor(
    matcha: Matcha,
    redis: RedisServer,
    gatewayLink: Link,
    limiter: MatchaGateway,
    pile: Pile,
  ) {
    this.matcha = matcha;
    this.redis = redis;
    this.gatewayLink = gatewayLink;
    this.limiter = limiter;
    this.#pile = pile;
    const { hostname, port } = new URL(matcha.urls.sandbox);
    this.stripe = new Stripe(matcha.secrets.stripeKey, { host: hostname, port, protocol: 'http' });
  }

  static async start(env: Extra = {}): Promise<Installation> {
    const pile = new Pile();
    try {
      const postgres = pile.add(await startPostgres({ durability: 'fast' }));
      // As production's: what it has taken it still has after a restart.
      const redis = pile.add(await startRedis({ appendFsync: 'always' }));
      const matcha = await startMatcha({
        postgres,
        redis,
        workers: 0,
        env: { SWEEP_INTERVAL_SECONDS: '1', RECONCILE_INTERVAL_SECONDS: '0', DAILY_CHECKS: 'false', ...env },
      });
      pile.add(matcha);
      const limiter = pile.add(await MatchaGateway.open({ gateway: matcha.urls.gateway }));
      const link = pile.add(await startLink(limiter.port));
      const installation = new Installation(matcha, redis, link, limiter, pile);
      await installation.control('hold');
      await installation.startWorker();
      return installation;
    } catch (thrown) {
      await pile.close();
      throw thrown;
    }
  }

  /** The one worker of these tests. */
  get worker(): Matcha['workers'][number] {
    const [worker] = this.matcha.workers;
    if (worker === undefined) throw new Error('There is no worker');
    return worker;
  }

  /** Starts it, or starts it again. */
  async startWorker(extra: Extra = {}): Promise<void> {
    if (this.matcha.workers.length === 0) await this.startSecondWorker();
    else await this.worker.start(extra);
  }

  async startSecondWorker(): Promise<Matcha['workers'][number]> {
    return this.matcha.startWorker({
      GATEWAY_URL: `http://${this.gatewayLink.host}:${this.gatewayLink.port}`,
    });
  }

  /** Makes sure that everything runs, whatever a test has done. */
  async mend(): Promise<void> {
    this.gatewayLink.up();
    if (!this.matcha.postgres.running) await this.matcha.postgres.start();
    this.redis.thaw();
    if (!this.redis.running) await this.redis.start();
    if (!this.worker.running) await this.startWorker();
  }

  /** Does something at the sandbox that is not part of Stripe's API. */
  async control(action: string, given: object = {}): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.matcha.urls.sandbox}/_sandbox/${action}`, {
      method: 'POST',
      body: JSON.stringify(given),
    });
    if (!response.ok) throw new Error(`${action} was answered ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }

  query<T = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<T[]> {
    return this.matcha.query(text, values) as Promise<T[]>;
  }

  async count(text: string, values?: readonly unknown[]): Promise<number> {
    const [row] = await this.query<{ count: string }>(`select count(*) from ${text}`, values);
    return Number(row?.count);
  }

  /** A new user of Matcha. */
  async user(): Promise<number> {
    this.#users += 1;
    const name = `user-${this.#users}`;
    const [row] = await this.query<{ id: number }>(
      'insert into users (username, email, email_verified) values ($1, $2, true) returning id',
      [name, `${name}@example.com`],
    );
    return row?.id ?? 0;
  }

  /** A user buys the monthly plan. The service hears of it when it is told. */
  async purchase(userId?: number): Promise<Purchase> {
    const user = userId ?? (await this.user());
    const metadata = { user_id: String(user), plan_type: 'mensuel' };
    const { id: customer } = await this.stripe.customers.create({ metadata });
    const session = await this.stripe.checkout.sessions.create({
      mode: 'subscription',
      line_items: [{ price: PRICES.mensuel, quantity: 1 }],
      success_url: 'https://matcha.example/merci',
      customer,
      client_reference_id: String(user),
      metadata,
      subscription_data: { metadata },
    });
    await this.control('complete-checkout', { session: session.id });
    const { data } = await this.stripe.subscriptions.list({ customer });
    const [subscription] = data;
    return {
      userId: user,
      customer,
      subscription: subscription?.id ?? '',
      invoice: String(subscription?.latest_invoice),
    };
  }

  /** What Stripe has to say about purchases, in the order in which it happened; types that do nothing are left out. */
  async eventsOf(...purchases: Purchase[]): Promise<Stripe.Event[]> {
    const customers = new Set(purchases.map(({ customer }) => customer));
    const invoices = new Set(purchases.map(({ invoice }) => invoice));
    const events: Stripe.Event[] = [];
    for await (const event of this.stripe.events.list({ limit: 100 })) {
      if (handlerOf(event.type) === undefined) continue;
      const { customer, invoice } = event.data.object as { customer?: unknown; invoice?: unknown };
      if (customers.has(String(customer)) || invoices.has(String(invoice))) events.push(event);
    }
    return events.reverse();
  }

  /** Posts one event as Stripe does. */
  async tell(event: Stripe.Event): Promise<Told> {
    const body = JSON.stringify(event);
    const response = await fetch(`${this.matcha.urls.web}/api/stripe/webhook`, {
      method: 'POST',
      headers: { 'stripe-signature': signatureHeader(body, this.matcha.secrets.webhookSecret) },
      body,
    });
    await response.arrayBuffer();
    return { id: event.id, status: response.status, retryAfter: response.headers.get('retry-after') };
  }

  tellAll(events: readonly Stripe.Event[]): Promise<Told[]> {
    return Promise.all(events.map((event) => this.tell(event)));
  }

  /** Waits for something to be so. @throws naming what did not come about */
  async until(what: string, isSo: () => Promise<boolean>, timeoutMs = PATIENCE_MS): Promise<void> {
    const came = await poll(
      // While a server is away, nobody can say; that it stays so is what the time limit is for.
      async () => ((await isSo().catch(() => false)) ? true : undefined),
      { everyMs: EVERY_MS, timeoutMs },
    );
    if (came === undefined) throw this.worker.failure(`Waited ${timeoutMs} ms in vain: ${what}`);
  }

  /** Waits until these events are applied. */
  async applied(events: readonly { id: string }[], timeoutMs?: number): Promise<void> {
    const ids = [...new Set(events.map(({ id }) => id))];
    const isApplied = async (): Promise<boolean> =>
      (await this.count('webhook_events where processed and stripe_event_id = any($1)', [ids])) ===
      ids.length;
    await this.until(`${ids.length} events are applied`, isApplied, timeoutMs);
  }

  /** Waits until every message of the outbox has been delivered. */
  async announced(): Promise<void> {
    await this.until(
      'every message is delivered',
      async () => (await this.count('outbox_messages where delivered_at is null')) === 0,
    );
  }

  /** Lets the sweep see what nobody has taken care of yet, as if a minute had passed. */
  async ageRows(): Promise<void> {
    for (const what of ['outbox_messages set created_at', 'webhook_events set created_at']) {
      await this.query(`update ${what} = created_at - interval '1 minute'`);
    }
  }

  /** What there is of a purchase that has been told completely. */
  async rowsOf({ userId, subscription, invoice }: Purchase): Promise<Record<string, unknown>> {
    const [user] = await this.query('select premium is not null as premium from users where id = $1', [
      userId,
    ]);
    return {
      premium: user?.premium,
      subscriptions: await this.query(
        'select stripe_subscription_id as id, status::text from subscriptions where user_id = $1',
        [userId],
      ),
      payments: await this.query(
        `select stripe_invoice_id as invoice, status::text, stripe_payment_intent_id like 'pi\\_%' as has_intent
         from payments where user_id = $1`,
        [userId],
      ),
      facts: (
        await this.query<{ type: string }>(
          'select type from outbox_messages where user_id = $1 order by type',
          [userId],
        )
      ).map(({ type }) => type),
      ...(subscription === '' || invoice === '' ? { broken: true } : {}),
    };
  }

  /** What `rowsOf` answers when everything is there once. */
  static complete({ subscription, invoice }: Purchase): Record<string, unknown> {
    return {
      premium: true,
      subscriptions: [{ id: subscription, status: 'active' }],
      payments: [{ invoice, status: 'succeeded', has_intent: true }],
      facts: ['payment_succeeded', 'premium_activated'],
    };
  }

  /**
   * Keeps a worker from reading what the events of a purchase are about: somebody else holds the lock of its customer.
   * The transaction is open, and the worker has decided nothing yet.
   * @param work what to do while a worker waits
   */
  async whileReadingWaits(
    purchase: Purchase,
    tell: () => Promise<unknown>,
    work: () => Promise<void>,
  ): Promise<void> {
    const lock = 'select pg_advisory_xact_lock(hashtextextended($1, 0))';
    await this.#whileWaitingAt('select survey_ledger', [lock, [purchase.customer]], tell, work);
  }

  /**
   * Holds back the commit of the events of a purchase, at their very last statement: somebody else has the same
   * message in an open transaction. All their rows are written by then and nobody can see them. The commit itself is
   * on its way: PostgreSQL has it when that statement is done, whatever becomes of the worker.
   * @param work what to do while a worker waits
   */
  async whileCommitWaits(
    purchase: Purchase,
    tell: () => Promise<unknown>,
    work: () => Promise<void>,
  ): Promise<void> {
    const message = `insert into outbox_messages (fact, user_id, type, data) values ($1, $2, 'payment_succeeded', '{}')`;
    const values = [`payment_succeeded:${purchase.invoice}`, purchase.userId];
    await this.#whileWaitingAt('write_outbox', [message, values], tell, work);
  }

  /** @param held what somebody else does in an open transaction, so that a worker waits at `statement` */
  async #whileWaitingAt(
    statement: string,
    held: [text: string, values: unknown[]],
    tell: () => Promise<unknown>,
    work: () => Promise<void>,
  ): Promise<void> {
    const { databases, database } = this.matcha;
    await withSql(databases.address(database), async (sql) => {
      await sql.query('begin');
      await sql.query(...held);
      await tell();
      await this.until(`a worker waits at: ${statement}`, () => this.#isWaitingAt(statement));
      await work();
      await sql.query('rollback');
    });
  }

  async #isWaitingAt(statement: string): Promise<boolean> {
    const waiting = await this.count(
      `pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and query ilike '%' || $1 || '%' and application_name = 'paiements-service'`,
      [statement],
    );
    return waiting > 0;
  }

  /** A browser of a user, connected to the gateway. */
  async listen(userId: number): Promise<Listener> {
    const listener = await Listener.connect(this, userId);
    this.#pile.add(listener);
    return listener;
  }

  /** A connection to the queues' Redis. */
  redisClient(): Redis {
    const client = new Redis(this.redis.url);
    client.on('error', () => undefined);
    this.#pile.defer(() => client.disconnect());
    return client;
  }

  close(): Promise<void> {
    return this.#pile.close();
  }
}

/** A WebSocket that keeps what it hears. */
export class Listener {
  readonly #socket: WebSocket;
  readonly #types: string[] = [];
  readonly #pongs = new EventEmitter();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (frame) => {
      const { type } = JSON.parse(String(frame)) as { type: string };
      if (type === 'pong') this.#pongs.emit('pong');
      else if (type !== 'connection_ack') this.#types.push(type);
    });
  }

  static async connect({ matcha }: Installation, userId: number): Promise<Listener> {
    const token = jwt.sign({ scope: 'access' }, matcha.secrets.jwtSecret, {
      subject: String(userId),
      expiresIn: '1h',
    });
    const socket = new WebSocket(`${matcha.urls.gateway.replace('http', 'ws')}/ws?token=${token}`);
    const listener = new Listener(socket);
    await once(socket, 'message');
    return listener;
  }

  /** How many messages have come. */
  get count(): number {
    return this.#types.length;
  }

  /**
   * The types of everything that has come, in alphabetical order, once as many messages have come as are expected
   * and the gateway has answered after them: a message too many would be among them.
   */
  async hears(expected: number): Promise<string[]> {
    await poll(async () => (this.count >= expected ? true : undefined), {
      everyMs: EVERY_MS,
      timeoutMs: PATIENCE_MS,
    });
    this.#socket.send(JSON.stringify({ type: 'ping' }));
    await once(this.#pongs, 'pong', { signal: AbortSignal.timeout(PATIENCE_MS) });
    return [...this.#types].sort();
  }

  close(): void {
    this.#socket.terminate();
  }
}
