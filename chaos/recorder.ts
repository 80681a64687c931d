import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Stripe from 'stripe';
import type { Delivery, Sandbox } from '../sandbox/index.ts';

const COLLECT_MS = 500;

/** One event as Stripe sent it. */
export type RecordedEvent = { readonly id: string; readonly type: string; readonly body: string };

/** A second webhook endpoint that nothing happens to: it knows every event there was, and in which order. */
export class Recorder {
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      const { id } = JSON.parse(body) as { id: string };
      this.#bodies.set(id, body);
      response.end();
    });
  });
  readonly #bodies = new Map<string, string>();
  readonly #endpoint = { ours: '', theirs: '' };
  /** Deliveries to the service, oldest first. The sandbox forgets old ones; these objects stay current. */
  readonly #deliveries = new Set<Delivery>();
  #sandbox: Sandbox | undefined;
  #timer: NodeJS.Timeout | undefined;

  static async open(): Promise<Recorder> {
    const recorder = new Recorder();
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  /** Begins to listen to a sandbox that has one endpoint so far, the service's. */
  async attach(sandbox: Sandbox): Promise<void> {
    this.#sandbox = sandbox;
    const stripe = new Stripe('sk_test_recorder', { ...sandbox.stripeOptions });
    const { data } = await stripe.webhookEndpoints.list();
    this.#endpoint.theirs = data[0]?.id ?? '';
    const { port } = this.#server.address() as AddressInfo;
    const made = await stripe.webhookEndpoints.create({
      url: `http://127.0.0.1:${port}/`,
      enabled_events: ['*'],
    });
    this.#endpoint.ours = made.id;
    this.#timer = setInterval(() => this.#collect(), COLLECT_MS);
  }

  #collect(): void {
    for (const delivery of this.#sandbox?.deliveries.list() ?? []) {
      if (delivery.endpoint === this.#endpoint.theirs) this.#deliveries.add(delivery);
    }
  }

  /** Ids of the events that the service answered with 2xx at least once. */
  answered(): Set<string> {
    this.#collect();
    return new Set(
      [...this.#deliveries].filter(({ state }) => state === 'delivered').map(({ event }) => event),
    );
  }

  /** Every event, in the order in which they happened. */
  events(): RecordedEvent[] {
    this.#collect();
    const ids = new Set([...this.#deliveries].map(({ event }) => event));
    return [...ids].map((id) => {
      const body = this.#bodies.get(id);
      if (body === undefined) throw new Error(`The recorder never got ${id}`);
      return { id, type: (JSON.parse(body) as { type: string }).type, body };
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
