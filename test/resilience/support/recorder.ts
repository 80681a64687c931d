import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type Stripe from 'stripe';
import { NEWEST_VERSION, type Sandbox } from '../../../sandbox/index.ts';
import { handlerOf } from '../../../src/workers/events/registry.ts';

/** One payload version for each shape that STRIPE.md tells apart (its eras A, B, C, and D to G). */
export const NEWEST = NEWEST_VERSION;
export const VERSIONS = [NEWEST, '2022-11-15', '2022-08-01', '2020-03-02'] as const;
export type Version = (typeof VERSIONS)[number];

/** One event as Stripe sent it, in every version. */
export type RecordedEvent = {
  readonly id: string;
  readonly type: string;
  /** Unix seconds. */
  readonly created: number;
  readonly bodies: Readonly<Record<Version, string>>;
};

/** Webhook endpoints, one a version, that keep what a sandbox sends them. */
export class Recorder {
  readonly #server = createServer((request, response) => void this.#take(request, response));
  readonly #bodies = new Map<string, Map<Version, string>>();
  #given = 0;

  static async start(): Promise<Recorder> {
    const recorder = new Recorder();
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  /** Where the endpoint of a version sends to. */
  urlOf(version: Version): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${version}`;
  }

  /** Begins anew: the sandbox is emptied, and has an endpoint for each version here. */
  async attach(sandbox: Sandbox, stripe: Stripe): Promise<void> {
    sandbox.reset();
    this.#bodies.clear();
    this.#given = 0;
    for (const version of VERSIONS) {
      if (version === NEWEST) continue;
      await stripe.webhookEndpoints.create({
        url: this.urlOf(version),
        enabled_events: ['*'],
        api_version: version,
      });
    }
  }

  /** The events since the last call that the service handles, in the order in which they happened. */
  async take(sandbox: Sandbox): Promise<RecordedEvent[]> {
    await sandbox.deliveries.idle();
    const ids = [...new Set(sandbox.deliveries.list().map((delivery) => delivery.event))];
    const fresh = ids.slice(this.#given).map((id) => this.#eventOf(id));
    this.#given = ids.length;
    return fresh.filter(({ type }) => handlerOf(type) !== undefined);
  }

  #eventOf(id: string): RecordedEvent {
    const kept = this.#bodies.get(id);
    const bodies = Object.fromEntries(
      VERSIONS.map((version) => {
        const body = kept?.get(version);
        if (body === undefined) throw new Error(`${id} did not come at ${version}`);
        return [version, body];
      }),
    ) as Record<Version, string>;
    const { type, created } = JSON.parse(bodies[NEWEST]) as { type: string; created: number };
    return { id, type, created, bodies };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { id } = JSON.parse(body) as { id: string };
    const version = (request.url ?? '').slice(1) as Version;
    const kept = this.#bodies.get(id) ?? new Map<Version, string>();
    this.#bodies.set(id, kept.set(version, body));
    response.end();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
