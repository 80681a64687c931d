import type Stripe from 'stripe';
import {
  type ChargeFacts,
  type DisputeFacts,
  type IntentFacts,
  type InvoiceFacts,
  type InvoiceLine,
  readCharge,
  readDispute,
  readIntent,
  readInvoice,
  readInvoiceLines,
  readSubscription,
  readSubscriptionItems,
  type SubscriptionFacts,
  type SubscriptionItemFacts,
} from '../../shared/stripe/facts/index.ts';
import { isMissingAtStripe } from '../../shared/stripe/index.ts';

/**
 * What Stripe says of an object, and when that was, by Stripe's own clock (whole seconds).
 * `asked`: it is Stripe's answer to a question of ours, and so reflects all that had happened by then.
 */
export type Snapshot<F> = { facts: F; seenAt: Date; asked?: true };

/** What a row reflects: Stripe's time of it, and a text that is another one whenever the row is changed. */
export type Held = { at: Date | null; version: string };

/**
 * How handlers ask Stripe for an object as it is now, when a payload is older, equal or in doubt. Where the answer is
 * to be written over a row, they say what that row holds: null means that the row reflects something later than the
 * answer, and stays as it is.
 */
export type StripeReads = {
  subscription(id: string): Promise<Snapshot<SubscriptionFacts>>;
  subscription(id: string, held: Held): Promise<Snapshot<SubscriptionFacts> | null>;
  /** Without the rest of its lines, see {@link StripeReads.invoiceLines}. */
  invoice(id: string): Promise<Snapshot<InvoiceFacts>>;
  /** All of them: what is embedded in an invoice ends after ten. They never change once it is finalised. */
  invoiceLines(id: string): Promise<InvoiceLine[]>;
  intent(id: string): Promise<Snapshot<IntentFacts>>;
  charge(id: string): Promise<Snapshot<ChargeFacts>>;
  charge(id: string, held: Held): Promise<Snapshot<ChargeFacts> | null>;
  dispute(id: string): Promise<Snapshot<DisputeFacts>>;
  dispute(id: string, held: Held): Promise<Snapshot<DisputeFacts> | null>;
  /** The invoice that an intent pays; null when there is none by now, or Stripe does not know the intent. */
  invoiceOfIntent(id: string): Promise<string | null>;
  /** The product a price belongs to. */
  productOfPrice(priceId: string): Promise<string | null>;
  /** All that a subscription sells: what is embedded in it may end before the last. */
  subscriptionItems(id: string): Promise<SubscriptionItemFacts[]>;
};

/** The most that Stripe gives at a time, and the most that its SDK gathers. */
const PAGE_SIZE = 100;
const MOST_GATHERED = 10_000;

/** Each kind of question and how it is put. */
const QUESTIONS = {
  subscription: async (stripe: Stripe, id: string): Promise<Snapshot<SubscriptionFacts>> => {
    const read = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] });
    const { facts, ...rest } = snapshot(read, readSubscription);
    const reads = { subscriptionItems: () => itemsOf(stripe, id) };
    return { facts: await withAllItems(facts, reads), ...rest };
  },
  invoice: async (stripe: Stripe, id: string) =>
    snapshot(
      await stripe.invoices.retrieve(id, { expand: ['payments.data.payment.payment_intent'] }),
      readInvoice,
    ),
  invoiceLines: async (stripe: Stripe, id: string) =>
    told(readInvoiceLines(await everyPage(stripe.invoices.listLineItems(id, { limit: PAGE_SIZE })))),
  intent: async (stripe: Stripe, id: string) =>
    snapshot(await stripe.paymentIntents.retrieve(id), readIntent),
  charge: async (stripe: Stripe, id: string) => snapshot(await stripe.charges.retrieve(id), readCharge),
  dispute: async (stripe: Stripe, id: string) => snapshot(await stripe.disputes.retrieve(id), readDispute),
  invoiceOfIntent: async (stripe: Stripe, id: string) => {
    const page = await stripe.invoicePayments
      .list({ payment: { type: 'payment_intent', payment_intent: id }, limit: 1 })
      .catch(unlessMissing);
    const invoice = page?.data[0]?.invoice ?? null;
    return told(typeof invoice === 'string' ? invoice : (invoice?.id ?? null));
  },
  productOfPrice: async (stripe: Stripe, id: string) =>
    snapshot(await stripe.prices.retrieve(id), (object) => {
      const { product } = object as Stripe.Price;
      return typeof product === 'string' ? product : product.id;
    }),
  subscriptionItems: async (stripe: Stripe, id: string) => told(await itemsOf(stripe, id)),
};

async function itemsOf(stripe: Stripe, subscription: string): Promise<SubscriptionItemFacts[]> {
  return readSubscriptionItems(
    await everyPage(stripe.subscriptionItems.list({ subscription, limit: PAGE_SIZE })),
  );
}

function everyPage<T>(list: Stripe.ApiListPromise<T>): Promise<T[]> {
  return list.autoPagingToArray({ limit: MOST_GATHERED });
}

/** A subscription with everything it sells. */
export async function withAllItems(
  facts: SubscriptionFacts,
  reads: Pick<StripeReads, 'subscriptionItems'>,
): Promise<SubscriptionFacts> {
  if (!facts.hasMoreItems) return facts;
  return { ...facts, items: await reads.subscriptionItems(facts.id), hasMoreItems: false };
}

type Kind = keyof typeof QUESTIONS;
type AnswerTo<K extends Kind> = Awaited<ReturnType<(typeof QUESTIONS)[K]>>;
type Answer = AnswerTo<Kind>;

/** A question to Stripe. */
export type Question = { kind: Kind; id: string };

/** Puts a question. @throws what the SDK does */
export function askStripe(stripe: Stripe, { kind, id }: Question): Promise<Answer> {
  return QUESTIONS[kind](stripe, id);
}

/**
 * Thrown where a handler needs an answer that is not at hand: nothing waits for Stripe while it holds locks or a
 * connection. The event leaves its unit of work, Stripe is asked, and it is applied in a later one. Handlers ask before
 * they change anything, so nothing has to be undone.
 */
export class StripeReadNeeded extends Error {}

/**
 * The answers that one event has at hand, and what it still has to ask. An answer may come to a row that was changed
 * since the question was put. Then the times decide which of the two is later; within one second nothing can, and
 * Stripe is asked again.
 */
export class AnswersAtHand implements StripeReads {
  readonly #answers = new Map<string, { answer: Answer; version: string | undefined }>();
  /** Each with the version of the row it is to be written over. */
  readonly #needed = new Map<string, Question & { version: string | undefined }>();

  /** What to ask; asking is to begin after this was called. */
  get needed(): readonly Question[] {
    return [...this.#needed.values()];
  }

  /** Takes an answer to a needed question. */
  give(question: Question, answer: Answer): void {
    const key = keyOf(question);
    this.#answers.set(key, { answer, version: this.#needed.get(key)?.version });
    this.#needed.delete(key);
  }

  subscription(id: string): Promise<Snapshot<SubscriptionFacts>>;
  subscription(id: string, held: Held): Promise<Snapshot<SubscriptionFacts> | null>;
  async subscription(id: string, held?: Held): Promise<Snapshot<SubscriptionFacts> | null> {
    return this.#answer('subscription', id, held);
  }

  async invoice(id: string): Promise<Snapshot<InvoiceFacts>> {
    return this.#answer('invoice', id);
  }

  async invoiceLines(id: string): Promise<InvoiceLine[]> {
    return this.#answer('invoiceLines', id).facts;
  }

  async intent(id: string): Promise<Snapshot<IntentFacts>> {
    return this.#answer('intent', id);
  }

  charge(id: string): Promise<Snapshot<ChargeFacts>>;
  charge(id: string, held: Held): Promise<Snapshot<ChargeFacts> | null>;
  async charge(id: string, held?: Held): Promise<Snapshot<ChargeFacts> | null> {
    return this.#answer('charge', id, held);
  }

  dispute(id: string): Promise<Snapshot<DisputeFacts>>;
  dispute(id: string, held: Held): Promise<Snapshot<DisputeFacts> | null>;
  async dispute(id: string, held?: Held): Promise<Snapshot<DisputeFacts> | null> {
    return this.#answer('dispute', id, held);
  }

  async invoiceOfIntent(id: string): Promise<string | null> {
    return this.#answer('invoiceOfIntent', id).facts;
  }

  async productOfPrice(id: string): Promise<string | null> {
    return this.#answer('productOfPrice', id).facts;
  }

  async subscriptionItems(id: string): Promise<SubscriptionItemFacts[]> {
    return this.#answer('subscriptionItems', id).facts;
  }

  #answer<K extends Kind>(kind: K, id: string): AnswerTo<K>;
  #answer<K extends Kind>(kind: K, id: string, held: Held | undefined): AnswerTo<K> | null;
  #answer<K extends Kind>(kind: K, id: string, held?: Held): AnswerTo<K> | null {
    const question = { kind, id };
    const given = this.#answers.get(keyOf(question));
    if (given) {
      const answer = given.answer as AnswerTo<K>;
      if (held === undefined || held.at === null || held.version === given.version) return answer;
      if (answer.seenAt > held.at) return answer;
      if (answer.seenAt < held.at) return null;
    }
    this.#needed.set(keyOf(question), { ...question, version: held?.version });
    throw new StripeReadNeeded(`Stripe has to be asked about ${id}`);
  }
}

/** A question as a text: one object, one key. */
export function keyOf({ kind, id }: Question): string {
  return `${kind}:${id}`;
}

/** Reads through the SDK at once: for who holds neither locks nor a connection. */
export function readsThrough(stripe: Stripe): Pick<
  StripeReads,
  'invoice' | 'intent' | 'invoiceOfIntent' | 'productOfPrice'
> & {
  subscription(id: string): Promise<Snapshot<SubscriptionFacts>>;
} {
  return {
    subscription: (id) => QUESTIONS.subscription(stripe, id),
    invoice: (id) => QUESTIONS.invoice(stripe, id),
    intent: (id) => QUESTIONS.intent(stripe, id),
    invoiceOfIntent: async (id) => (await QUESTIONS.invoiceOfIntent(stripe, id)).facts,
    productOfPrice: async (id) => (await QUESTIONS.productOfPrice(stripe, id)).facts,
  };
}

/** What is gathered from several answers has no one time; nothing is ordered by it. */
function told<F>(facts: F): Snapshot<F> {
  return { facts, seenAt: new Date(), asked: true };
}

function unlessMissing(thrown: unknown): null {
  if (isMissingAtStripe(thrown)) return null;
  throw thrown;
}

function snapshot<F>(response: Stripe.Response<unknown>, read: (object: unknown) => F): Snapshot<F> {
  const date = response.lastResponse.headers.date;
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  const seenAt = Number.isNaN(parsed) ? new Date() : new Date(parsed);
  return { facts: read(response), seenAt, asked: true };
}
