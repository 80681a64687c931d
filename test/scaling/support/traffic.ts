import { randomBytes } from 'node:crypto';
import Stripe from 'stripe';
import type { Matcha } from '../../../rig/matcha.ts';
import { signatureHeader } from '../../../sandbox/index.ts';
import { Buyer } from './buyer.ts';

const LANES = 3;

/**
 * Steady traffic through an installation's gateway until it is stopped: webhooks, reads with a login, and whole
 * purchases, each in a few lanes where one follows the other.
 */
export class Traffic {
  /** Ids of the events that were answered 200. */
  readonly accepted: string[] = [];
  readonly buyers: Buyer[] = [];
  /** Requests that were not answered 2xx, or not at all. */
  readonly failures: string[] = [];
  requests = 0;
  readonly #matcha: Matcha;
  readonly #lanes: Promise<void>[];
  #flowing = true;

  private constructor(matcha: Matcha, reader: Buyer) {
    this.#matcha = matcha;
    const lanes = Array.from({ length: LANES }, () => [
      this.#repeat(() => this.#sendEvent()),
      this.#repeat(() => this.#read(reader)),
    ]);
    this.#lanes = [...lanes.flat(), this.#repeat(() => this.#buy())];
  }

  static async start(matcha: Matcha): Promise<Traffic> {
    return new Traffic(matcha, await Buyer.open(matcha));
  }

  /** Lets what is under way finish, and ends. */
  async stop(): Promise<void> {
    this.#flowing = false;
    await Promise.all(this.#lanes);
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    while (this.#flowing) {
      await once().catch((thrown) => void this.failures.push(String(thrown)));
    }
  }

  /** An event of a type that nobody handles: it goes all the way, and changes nothing but its own row. */
  async #sendEvent(): Promise<void> {
    const id = `evt_${randomBytes(12).toString('hex')}`;
    const body = JSON.stringify({
      id,
      object: 'event',
      api_version: Stripe.API_VERSION,
      created: Math.floor(Date.now() / 1000),
      livemode: false,
      type: 'tax_rate.created',
      data: { object: { id: 'txr_1', object: 'tax_rate' } },
    });
    const response = await this.#fetch('/api/stripe/webhook', {
      method: 'POST',
      headers: { 'stripe-signature': signatureHeader(body, this.#matcha.secrets.webhookSecret) },
      body,
    });
    if (response.ok) this.accepted.push(id);
  }

  async #read(reader: Buyer): Promise<void> {
    const headers = { authorization: `Bearer ${reader.token}` };
    await this.#fetch('/api/stripe/payment/history', { headers });
    await this.#fetch('/api/stripe/subscription', { headers });
  }

  async #buy(): Promise<void> {
    const buyer = await Buyer.open(this.#matcha);
    this.buyers.push(buyer);
    await buyer.buys();
    await buyer.hears('premium_activated', 'payment_succeeded');
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    this.requests += 1;
    const response = await fetch(`${this.#matcha.urls.gateway}${path}`, init);
    const text = await response.text();
    if (!response.ok) this.failures.push(`${init.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return response;
  }
}
