import type { AddressInfo } from 'node:net';
import { type Config, resolveConfig, type SandboxOptions } from './config.ts';
import { Control } from './control/control.ts';
import { Deliveries } from './deliveries/deliveries.ts';
import { Api } from './http/api.ts';
import { Faults } from './http/faults.ts';
import { seed } from './seed.ts';
import { createServer } from './server.ts';
import { createWorld, type World } from './world.ts';

/** What there is, at a glance. */
export interface Summary {
  now: number;
  counts: Record<string, number>;
  /** Plans of the billing engine. */
  planned: number;
  deliveries: { pending: number; held: number };
  faults: number;
}

/** A running sandbox. */
export class Sandbox extends Control {
  readonly host: string;
  readonly port: number;
  /** Base of the API and of the hosted pages, without a trailing slash. */
  readonly url: string;
  readonly config: Config;
  readonly #world: World;
  readonly #api: Api;
  readonly #stop: () => Promise<void>;

  constructor(
    world: World,
    deliveries: Deliveries,
    faults: Faults,
    api: Api,
    port: number,
    stop: () => Promise<void>,
  ) {
    super(world, deliveries, faults);
    this.#world = world;
    this.#api = api;
    this.config = world.config;
    this.host = world.config.host;
    this.port = port;
    this.url = world.baseUrl;
    this.#stop = stop;
  }

  /** What to give to `new Stripe(key, …)`. */
  get stripeOptions(): { host: string; port: number; protocol: 'http' } {
    return { host: this.host, port: this.port, protocol: 'http' };
  }

  summary(): Summary {
    return {
      now: this.now,
      counts: this.#world.tables.counts(),
      planned: this.#world.agenda.size,
      deliveries: { pending: this.deliveries.pending, held: this.deliveries.held },
      faults: this.faults.planned.length,
    };
  }

  /** The signing secret of a webhook endpoint. */
  secretOf(endpoint: string): string | undefined {
    return this.#world.tables.endpointSecrets.get(endpoint);
  }

  /** Back to the start, except for the clock, which never goes back. */
  reset(): void {
    this.#world.agenda.clear();
    this.deliveries.clear();
    this.faults.clear();
    this.#world.tables.clear();
    this.#world.finalizationDelaySeconds = this.config.billing.finalizationDelaySeconds;
    this.#api.clear();
    seed(this.#world);
  }

  /** Stops listening, delivering and running the clock; open requests are cut. */
  close(): Promise<void> {
    return this.#stop();
  }
}

/** Starts a sandbox and resolves once it listens. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const config = resolveConfig(options);
  const world = createWorld(config);
  const deliveries = new Deliveries(world);
  const faults = new Faults(() => world.ids.random());
  const api = new Api(world, faults);
  world.onEvent = (event) => deliveries.enqueue(event);
  // The pages and the control API need the sandbox, which needs the port, which the server knows.
  const holder: { sandbox: Sandbox | null } = { sandbox: null };
  const server = createServer(world, api, deliveries, () => holder.sandbox);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  world.baseUrl =
    config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  world.clock.start();
  seed(world);
  const stop = async () => {
    world.clock.stop();
    deliveries.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  holder.sandbox = new Sandbox(world, deliveries, faults, api, port, stop);
  return holder.sandbox;
}
