import { eventPayload } from '../events/payload.ts';
import { ApiError } from '../http/errors.ts';
import { matchesType } from '../resources/events.ts';
import type { StoredEvent } from '../state/tables.ts';
import type { World } from '../world.ts';
import { type Answer, Poster } from './post.ts';
import { type DeliveryRules, NO_RULES } from './rules.ts';
import { signatureHeader } from './signature.ts';

/** One event on its way to one endpoint. */
export interface Delivery {
  readonly id: number;
  readonly event: string;
  readonly type: string;
  readonly endpoint: string;
  /** Extra copies and resends do not count in the event's `pending_webhooks`. */
  readonly isExtra: boolean;
  state: 'held' | 'waiting' | 'sending' | 'delivered' | 'failed' | 'dropped' | 'stopped';
  attempts: number;
  /** The last answer's HTTP status, or null. */
  status: number | null;
  error: string | null;
}

/** How to let held deliveries go. */
export interface ReleaseOptions {
  /** `as_is` keeps the order of the events. */
  order?: 'as_is' | 'shuffle' | 'reverse' | undefined;
  /** Only these events; the others stay held. */
  events?: string[] | undefined;
}

/** How many deliveries are remembered for looking back. */
const REMEMBERED = 5_000;

/** Sends events to webhook endpoints, and tries again when that fails. */
export class Deliveries {
  #world: World;
  #poster = new Poster();
  #rules: DeliveryRules = NO_RULES;
  #holding = false;
  #held: Delivery[] = [];
  #ready: Delivery[] = [];
  #sending = 0;
  #timers = new Map<Delivery, NodeJS.Timeout>();
  #remembered: Delivery[] = [];
  #idleWaiters: (() => void)[] = [];
  #eventWaiters = new Map<string, (() => void)[]>();
  #lastId = 0;
  #closed = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Plans the delivery of a new event to every enabled endpoint that wants its type. */
  enqueue(event: StoredEvent): void {
    for (const endpoint of this.#world.tables.webhookEndpoints.newest()) {
      if (endpoint.status !== 'enabled') continue;
      if (!endpoint.enabled_events.some((pattern) => matchesType(event.type, pattern))) continue;
      if (this.#isDropped(event.type)) {
        this.#remember(this.#create(event, endpoint.id, true)).state = 'dropped';
        event.undelivered = true;
        continue;
      }
      event.pendingWebhooks += 1;
      this.#plan(this.#create(event, endpoint.id, false));
      for (let copy = 0; copy < this.#rules.duplicates; copy++)
        this.#plan(this.#create(event, endpoint.id, true));
    }
  }

  /** Keeps new deliveries back until `release`. */
  hold(): void {
    this.#holding = true;
  }

  /** Sends what is held, and holds no longer unless only some events are let go. */
  release(options: ReleaseOptions = {}): number {
    const { events } = options;
    if (!events) this.#holding = false;
    const chosen = events ? this.#held.filter((each) => events.includes(each.event)) : this.#held;
    this.#held = events ? this.#held.filter((each) => !events.includes(each.event)) : [];
    // Named events leave in the order in which they were named.
    const sorted = events
      ? chosen.toSorted((a, b) => events.indexOf(a.event) - events.indexOf(b.event))
      : chosen;
    for (const delivery of this.#ordered(sorted, options.order ?? 'as_is')) this.#makeReady(delivery);
    this.#pump();
    return chosen.length;
  }

  setRules(rules: Partial<DeliveryRules>): void {
    this.#rules = { ...NO_RULES, ...rules };
  }

  /** Sends an event again, also one that was delivered or dropped, to one or all endpoints that want it. */
  resend(eventId: string, endpointId?: string): number {
    const event = this.#world.tables.events.get(eventId);
    if (!event) throw ApiError.noSuch('event', eventId);
    const endpoints = [...this.#world.tables.webhookEndpoints.newest()].filter((endpoint) =>
      endpointId
        ? endpoint.id === endpointId
        : endpoint.enabled_events.some((pattern) => matchesType(event.type, pattern)),
    );
    for (const endpoint of endpoints) this.#makeReady(this.#remember(this.#create(event, endpoint.id, true)));
    this.#pump();
    return endpoints.length;
  }

  /** Resolves when nothing is waiting, being sent or to be retried. What is held does not count. */
  idle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Resolves when an event has reached every endpoint, or the time (ms) is over. Held events are not waited for. */
  delivered(event: StoredEvent, withinMs: number): Promise<void> {
    if (event.pendingWebhooks === 0 || this.#holding || withinMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      const waiters = this.#eventWaiters.get(event.id) ?? [];
      this.#eventWaiters.set(event.id, waiters);
      waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** The latest deliveries, oldest first. */
  list(): readonly Delivery[] {
    return this.#remembered;
  }

  get pending(): number {
    return this.#ready.length + this.#sending + this.#timers.size;
  }

  get held(): number {
    return this.#held.length;
  }

  /** Forgets everything that is on its way. */
  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#held = [];
    this.#ready = [];
    this.#remembered = [];
    this.#rules = NO_RULES;
    this.#holding = false;
    for (const resolve of [...this.#eventWaiters.values()].flat()) resolve();
    this.#eventWaiters.clear();
    this.#announceIdle();
  }

  close(): void {
    this.#closed = true;
    this.clear();
    this.#poster.close();
  }

  #create(event: StoredEvent, endpoint: string, isExtra: boolean): Delivery {
    this.#lastId += 1;
    return {
      id: this.#lastId,
      event: event.id,
      type: event.type,
      endpoint,
      isExtra,
      state: 'waiting',
      attempts: 0,
      status: null,
      error: null,
    };
  }

  #plan(delivery: Delivery): void {
    this.#remember(delivery);
    if (this.#holding) {
      delivery.state = 'held';
      this.#held.push(delivery);
    } else if (this.#rules.jitterMs > 0) {
      this.#wait(delivery, this.#world.ids.random() * this.#rules.jitterMs);
    } else {
      this.#makeReady(delivery);
      this.#pump();
    }
  }

  #makeReady(delivery: Delivery): void {
    delivery.state = 'waiting';
    this.#ready.push(delivery);
  }

  #wait(delivery: Delivery, ms: number): void {
    delivery.state = 'waiting';
    const timer = setTimeout(() => {
      this.#timers.delete(delivery);
      this.#makeReady(delivery);
      this.#pump();
    }, ms);
    this.#timers.set(delivery, timer);
  }

  #pump(): void {
    while (!this.#closed && this.#sending < this.#world.config.deliveries.concurrency) {
      const delivery = this.#ready.shift();
      if (!delivery) return;
      this.#sending += 1;
      void this.#send(delivery);
    }
  }

  async #send(delivery: Delivery): Promise<void> {
    delivery.state = 'sending';
    // The change that caused the event finishes first, as its request would be answered first.
    await new Promise((resolve) => setImmediate(resolve));
    const answer = await this.#attempt(delivery);
    this.#sending -= 1;
    if (this.#closed) return;
    if (answer) this.#judge(delivery, answer);
    else this.#finish(delivery, 'stopped');
    this.#pump();
    if (this.pending === 0) this.#announceIdle();
  }

  /** @returns null if the endpoint is gone, which ends its deliveries */
  async #attempt(delivery: Delivery): Promise<Answer | null> {
    const { tables, config } = this.#world;
    const endpoint = tables.webhookEndpoints.get(delivery.endpoint);
    const event = tables.events.get(delivery.event);
    const secret = tables.endpointSecrets.get(delivery.endpoint);
    if (!endpoint || !event || !secret || endpoint.status !== 'enabled') return null;
    delivery.attempts += 1;
    const version = endpoint.api_version ?? config.apiVersion;
    const body = JSON.stringify(eventPayload(this.#world, event, version), null, 2);
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      Accept: '*/*; q=0.5, application/xml',
      'Cache-Control': 'no-cache',
      'Stripe-Signature': signatureHeader(body, secret),
    };
    return this.#poster.post(endpoint.url, body, headers, config.deliveries.timeoutMs);
  }

  #judge(delivery: Delivery, answer: Answer): void {
    const { maxAttempts, retryBaseMs, retryMaxMs } = this.#world.config.deliveries;
    delivery.status = answer.status;
    delivery.error = answer.error;
    if (answer.status !== null && answer.status >= 200 && answer.status < 300) {
      this.#finish(delivery, 'delivered');
      return;
    }
    const event = this.#world.tables.events.get(delivery.event);
    if (event && !delivery.isExtra) event.undelivered = true;
    if (delivery.attempts >= maxAttempts) this.#finish(delivery, 'failed');
    else this.#wait(delivery, Math.min(retryMaxMs, retryBaseMs * 2 ** (delivery.attempts - 1)));
  }

  #finish(delivery: Delivery, state: 'delivered' | 'failed' | 'stopped'): void {
    delivery.state = state;
    const event = this.#world.tables.events.get(delivery.event);
    if (!event) return;
    if (delivery.isExtra) {
      // A resend that arrives makes up for what was lost.
      if (state === 'delivered' && event.pendingWebhooks === 0) event.undelivered = false;
      return;
    }
    if (state !== 'failed') event.pendingWebhooks -= 1;
    if (state === 'delivered' && event.pendingWebhooks === 0) event.undelivered = false;
    for (const resolve of this.#eventWaiters.get(event.id) ?? []) resolve();
    this.#eventWaiters.delete(event.id);
  }

  #remember(delivery: Delivery): Delivery {
    this.#remembered.push(delivery);
    if (this.#remembered.length > 2 * REMEMBERED) this.#remembered = this.#remembered.slice(-REMEMBERED);
    return delivery;
  }

  #isDropped(type: string): boolean {
    const { drop, dropTimes } = this.#rules;
    if (dropTimes <= 0 || !drop.some((pattern) => matchesType(type, pattern))) return false;
    this.#rules = { ...this.#rules, dropTimes: dropTimes - 1 };
    return true;
  }

  #ordered(deliveries: Delivery[], order: 'as_is' | 'shuffle' | 'reverse'): Delivery[] {
    if (order === 'reverse') return deliveries.toReversed();
    if (order === 'as_is') return deliveries;
    return deliveries
      .map((delivery) => ({ delivery, key: this.#world.ids.random() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ delivery }) => delivery);
  }

  #announceIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
