import type { Template } from './templates.ts';

/** Purchases under way at a time. */
const AT_THE_SAME_TIME = 400;

/** One event of the stream. */
export type MixedEvent = {
  readonly id: string;
  readonly type: string;
  readonly invoiceId: string;
  readonly body: string;
};

/**
 * A stream of distinct events: a purchase of each of customers 0, 1, 2, …, each in Stripe's order, many at a time and
 * each at another point, so that at any time all kinds of events come, as they do in life. Were all at the same point,
 * there would be seconds in which every event announces something and others in which none does. The same arguments
 * give the same events.
 */
export class Mix {
  readonly #templates: readonly Template[];
  readonly #name: string;
  readonly #firstUser: number;
  readonly #order: readonly Place[];

  /**
   * @param name makes the ids of this stream its own; letters and digits
   * @param firstUser the user id of customer 0; customer n belongs to user firstUser + n
   * @param count events in all, whole purchases
   */
  constructor(templates: readonly Template[], name: string, firstUser: number, count: number) {
    this.#templates = templates;
    this.#name = name;
    this.#firstUser = firstUser;
    this.#order = staggered(customersOf(count, templates.length), templates.length);
  }

  /** The `index`th event of the stream. @throws {RangeError} when there are not so many */
  at(index: number): MixedEvent {
    const place = this.#order[index];
    if (place === undefined) throw new RangeError(`The stream ${this.#name} has no event ${index}`);
    const { customer, kind } = place;
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

type Place = { readonly customer: number; readonly kind: number };

/** With every new purchase those that began before it, some at each of the later kinds, take a step. */
function staggered(customers: number, kinds: number): Place[] {
  const apart = Math.max(1, Math.round(AT_THE_SAME_TIME / kinds));
  const order: Place[] = [];
  for (let turn = 0; order.length < customers * kinds; turn++) {
    for (let kind = 0; kind < kinds; kind++) {
      const customer = turn - kind * apart;
      if (customer >= 0 && customer < customers) order.push({ customer, kind });
    }
  }
  return order;
}

/** How many customers `count` events belong to. */
export function customersOf(count: number, kinds: number): number {
  return Math.ceil(count / kinds);
}

/** The nearest count of events that is whole purchases. */
export function wholePurchases(count: number, kinds: number): number {
  return Math.max(1, Math.round(count / kinds)) * kinds;
}

/** The Stripe customer of a stream's customer. */
export function stripeCustomerOf(name: string, customer: number): string {
  return `cus_${name}x${customer}`;
}
