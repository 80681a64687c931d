import type { Template } from './templates.ts';

/** Customers whose purchases happen at the same time; one customer's events are this far apart in the stream. */
const AT_THE_SAME_TIME = 400;

/** One event of the stream. */
export type MixedEvent = {
  readonly id: string;
  readonly type: string;
  readonly invoiceId: string;
  readonly body: string;
};

/**
 * An endless stream of distinct events: purchases of customers 0, 1, 2, …, many at a time, each in Stripe's order.
 * The same arguments give the same events.
 */
export class Mix {
  readonly #templates: readonly Template[];
  readonly #name: string;
  readonly #firstUser: number;

  /**
   * @param name makes the ids of this stream its own; letters and digits
   * @param firstUser the user id of customer 0; customer n belongs to user firstUser + n
   */
  constructor(templates: readonly Template[], name: string, firstUser: number) {
    this.#templates = templates;
    this.#name = name;
    this.#firstUser = firstUser;
  }

  /** The `index`th event of the stream. */
  at(index: number): MixedEvent {
    const kinds = this.#templates.length;
    const block = Math.floor(index / (AT_THE_SAME_TIME * kinds));
    const within = index % (AT_THE_SAME_TIME * kinds);
    const kind = Math.floor(within / AT_THE_SAME_TIME);
    const customer = block * AT_THE_SAME_TIME + (within % AT_THE_SAME_TIME);
    const template = this.#templates[kind] as Template;
    const word = `${this.#name}x${customer}`;
    // An event's id names its kind as well: a customer has several.
    const fill = (slot: string): string =>
      slot === 'user'
        ? String(this.#firstUser + customer)
        : `${slot}_${slot === 'evt' ? `${word}k${kind}` : word}`;
    let body = template.text[0] ?? '';
    for (const [at, slot] of template.slots.entries()) body += fill(slot) + (template.text[at + 1] ?? '');
    return { id: `evt_${word}k${kind}`, type: template.type, invoiceId: `in_${word}`, body };
  }
}

/** How many customers the first `count` events of a stream belong to. */
export function customersOf(count: number, kinds: number): number {
  return Math.ceil(count / (AT_THE_SAME_TIME * kinds)) * AT_THE_SAME_TIME;
}

/** The nearest count of events that ends with whole purchases. */
export function wholePurchases(count: number, kinds: number): number {
  const block = AT_THE_SAME_TIME * kinds;
  return Math.max(1, Math.round(count / block)) * block;
}

/** The Stripe customer of a stream's customer. */
export function stripeCustomerOf(name: string, customer: number): string {
  return `cus_${name}x${customer}`;
}
