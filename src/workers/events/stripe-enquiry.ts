import type Stripe from 'stripe';
import { isMissingAtStripe, MissingAtStripe } from '../../shared/stripe/index.ts';
import { type AnswersAtHand, askStripe, keyOf, type Question } from './stripe-reads.ts';

type Answer = Awaited<ReturnType<typeof askStripe>>;

/** Calls to Stripe under way at a time. A slow answer holds nothing but its own place here. */
const AT_A_TIME = 24;

/**
 * Asks Stripe on behalf of events: one answer serves all that wait for the same object. An answer serves whoever asked
 * before it was asked for, and nobody who came later: what such an event tells of may have happened in between.
 */
export class StripeEnquiry {
  readonly #stripe: Stripe;
  /** By object: the call that has yet to begin, which anybody may join. */
  readonly #next = new Map<string, Promise<Answer>>();
  /** By object: the call that is under way, or its failure. */
  readonly #current = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(stripe: Stripe) {
    this.#stripe = stripe;
  }

  /**
   * Answers all that an event needs.
   * @throws {MissingAtStripe} when Stripe does not know an object; anything else the SDK fails with
   */
  async answer(hand: AnswersAtHand): Promise<void> {
    const { needed } = hand;
    await Promise.all(needed.map(async (question) => hand.give(question, await this.#ask(question))));
  }

  #ask(question: Question): Promise<Answer> {
    const key = keyOf(question);
    const joined = this.#next.get(key);
    if (joined) return joined;
    const call = this.#begin(key, question);
    this.#next.set(key, call);
    return call;
  }

  async #begin(key: string, question: Question): Promise<Answer> {
    await this.#current.get(key);
    await this.#place();
    const call = askStripe(this.#stripe, question);
    this.#current.set(
      key,
      call.catch(() => undefined),
    );
    this.#next.delete(key);
    try {
      return await call;
    } catch (thrown) {
      if (question.kind !== 'productOfPrice' && isMissingAtStripe(thrown)) {
        throw new MissingAtStripe(question.kind, question.id, { cause: thrown });
      }
      throw thrown;
    } finally {
      this.#leave();
      if (!this.#next.has(key)) this.#current.delete(key);
    }
  }

  async #place(): Promise<void> {
    if (this.#underWay < AT_A_TIME) this.#underWay += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Whoever waits takes the place over. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#underWay -= 1;
  }
}
