import type { PlanType } from '../../shared/entities/index.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { SubscriptionFacts } from '../../shared/stripe/facts/index.ts';
import type { StripeReads } from './stripe-reads.ts';

type PriceReads = Pick<StripeReads, 'productOfPrice'>;

/** Which prices are premium, and which plan each is. */
export class Catalog {
  readonly #prices: Readonly<Record<PlanType, string>>;
  #products: Set<string> | undefined;

  constructor(prices: Readonly<Record<PlanType, string>>) {
    this.#prices = prices;
  }

  /**
   * The plan a subscription is for, or null when it is for some other product, which is none of our business.
   * A configured price says its plan; another price of the same product, or of a checkout of ours, says it by its
   * recurring interval. Nothing is assumed.
   * @param known whether the subscription is already on our books
   * @throws {PermanentError} when it is ours but its price has neither a monthly nor a yearly interval
   */
  async planOf(facts: SubscriptionFacts, known: boolean, reads: PriceReads): Promise<PlanType | null> {
    if (facts.priceId === this.#prices.mensuel) return 'mensuel';
    if (facts.priceId === this.#prices.annuel) return 'annuel';
    const ours = known || facts.metadata.plan_type !== undefined || (await this.#isOurProduct(facts, reads));
    if (!ours) return null;
    if (facts.interval === 'month') return 'mensuel';
    if (facts.interval === 'year') return 'annuel';
    throw new PermanentError(
      `Cannot tell the plan of subscription ${facts.id}: price ${facts.priceId ?? '(none)'} is neither monthly nor ` +
        'yearly. Configure it as STRIPE_PRICE_MENSUEL or STRIPE_PRICE_ANNUEL, then retry the event.',
    );
  }

  async #isOurProduct(facts: SubscriptionFacts, reads: PriceReads): Promise<boolean> {
    if (facts.productId === null) return false;
    if (this.#products === undefined) {
      const products = await Promise.all(
        Object.values(this.#prices).map((price) => reads.productOfPrice(price)),
      );
      this.#products = new Set(products.filter((product) => product !== null));
    }
    return this.#products.has(facts.productId);
  }
}
