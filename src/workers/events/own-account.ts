import Stripe from 'stripe';
import type { Logger } from '../../shared/logger.ts';

/**
 * Whether an event happened on our own account. Events of connected accounts name theirs, our own's mostly none; but
 * those of an organisation's destination name ours too, so Stripe is asked once which that is.
 */
export class OwnAccount {
  readonly #stripe: Stripe;
  readonly #logger: Logger;
  #id: Promise<string | null> | undefined;

  constructor(stripe: Stripe, logger: Logger) {
    this.#stripe = stripe;
    this.#logger = logger;
  }

  /** @throws whatever Stripe's silence throws: another time it answers */
  async is(accountId: string): Promise<boolean> {
    this.#id ??= this.#ask();
    try {
      return (await this.#id) === accountId;
    } catch (thrown) {
      this.#id = undefined;
      throw thrown;
    }
  }

  /** @returns null when our key may not know: then every account that is named counts as another */
  async #ask(): Promise<string | null> {
    try {
      return (await this.#stripe.accounts.retrieveCurrent()).id;
    } catch (thrown) {
      if (!(thrown instanceof Stripe.errors.StripePermissionError)) throw thrown;
      this.#logger.warn(
        'Our Stripe key may not read its own account, so events that name any account are ignored as not ours',
      );
      return null;
    }
  }
}
