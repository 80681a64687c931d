import type Stripe from 'stripe';
import { PermanentError } from '../../shared/errors.ts';
import { isEndedStatus } from '../../shared/stripe/facts/index.ts';
import { type Closed, closeUnpaid, isMissingAtStripe } from '../../shared/stripe/index.ts';

/**
 * Voids what a subscription that has ended still asks for.
 * @throws {PermanentError} when it has not ended: what it asks for is owed
 */
export async function closeUnpaidOf({ stripe }: { stripe: Stripe }, subscriptionId: string): Promise<Closed> {
  const subscription = await readOne(stripe, subscriptionId);
  if (!isEndedStatus(subscription.status)) {
    throw new PermanentError(
      `Subscription ${subscriptionId} is ${subscription.status}: its invoices stay as they are`,
    );
  }
  return closeUnpaid(subscription, stripe);
}

async function readOne(stripe: Stripe, id: string): Promise<Stripe.Subscription> {
  try {
    return await stripe.subscriptions.retrieve(id);
  } catch (error) {
    if (isMissingAtStripe(error))
      throw new PermanentError(`Stripe knows no subscription ${id}`, { cause: error });
    throw error;
  }
}
