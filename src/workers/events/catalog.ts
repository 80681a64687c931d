import type { PlanType } from '../../shared/entities/index.ts';
import { PermanentError } from '../../shared/errors.ts';
import {
  type InvoiceLine,
  ofItem,
  type SubscriptionFacts,
  type SubscriptionItemFacts,
} from '../../shared/stripe/facts/index.ts';
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
   * A configured price says its plan, whichever of its items has it; another price of the same product, or of a checkout
   * of ours, says it by its recurring interval. Nothing is assumed.
   * @param known whether the subscription is already on our books
   * @throws {PermanentError} when it is ours but its price has neither a monthly nor a yearly interval
   */
  async planOf(facts: SubscriptionFacts, known: boolean, reads: PriceReads): Promise<PlanType | null> {
    const { priceId } = this.focus(facts);
    if (priceId === this.#prices.mensuel) return 'mensuel';
    if (priceId === this.#prices.annuel) return 'annuel';
    const ours = known || facts.metadata.plan_type !== undefined;
    // Which of several items it is, only the product tells.
    const asked = !ours || facts.items.length > 1;
    if (asked && !(await this.#sellsOurProduct(facts, reads)) && !ours) return null;
    const sold = this.focus(facts);
    if (sold.interval === 'month') return 'mensuel';
    if (sold.interval === 'year') return 'annuel';
    throw new PermanentError(
      `Cannot tell the plan of subscription ${facts.id}: price ${sold.priceId ?? '(none)'} is neither monthly nor ` +
        'yearly. Configure it as STRIPE_PRICE_MENSUEL or STRIPE_PRICE_ANNUEL, then retry the event.',
    );
  }

  /** The facts of a subscription that may sell other things along, as those of its item that is premium. */
  focus(facts: SubscriptionFacts): SubscriptionFacts {
    const { items } = facts;
    const item = items.find((each) => this.#isConfigured(each)) ?? items.find((each) => this.isPremium(each));
    return item && items.length > 1 ? ofItem(facts, item) : facts;
  }

  /** Whether this price is premium, as far as that is known without asking Stripe. */
  isPremium(sold: Pick<SubscriptionItemFacts | InvoiceLine, 'priceId' | 'productId'>): boolean {
    const ofOurs = sold.productId !== null && (this.#products?.has(sold.productId) ?? false);
    return ofOurs || this.#isConfigured(sold);
  }

  #isConfigured({ priceId }: Pick<SubscriptionItemFacts, 'priceId'>): boolean {
    return priceId !== null && Object.values(this.#prices).includes(priceId);
  }

  async #sellsOurProduct({ items }: SubscriptionFacts, reads: PriceReads): Promise<boolean> {
    if (items.every(({ productId }) => productId === null)) return false;
    if (this.#products === undefined) {
      const products = await Promise.all(
        Object.values(this.#prices).map((price) => reads.productOfPrice(price)),
      );
      this.#products = new Set(products.filter((product) => product !== null));
    }
    return items.some((item) => this.isPremium(item));
  }
}
