import Stripe from 'stripe';
import { AppError } from '../errors.ts';

/** Whether Stripe says that the object does not exist (any more, or under this key). */
export function isMissingAtStripe(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeInvalidRequestError && thrown.code === 'resource_missing';
}

/** An event is about an object that Stripe does not know. */
export class MissingAtStripe extends AppError {
  readonly id: string;

  constructor(kind: string, id: string, options?: ErrorOptions) {
    super(`Stripe does not know ${kind} ${id} under this key (404)`, options);
    this.id = id;
  }
}
