import Stripe from 'stripe';
import { AppError } from '../errors.ts';

/** Whether Stripe says that the object does not exist (any more, or under this key). */
export function isMissingAtStripe(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeInvalidRequestError && thrown.code === 'resource_missing';
}

/**
 * The mode in which an object does exist that our key cannot see. Stripe tells it in words only: "No such customer:
 * 'cus_…'; a similar object exists in test mode, but a live mode key was used to make this request."
 * @returns whether that is live mode; null when it does not say
 */
export function modeOfMissing(thrown: unknown): boolean | null {
  if (!isMissingAtStripe(thrown)) return null;
  const [, mode] = /a similar object exists in (live|test) mode/.exec((thrown as Error).message) ?? [];
  return mode === undefined ? null : mode === 'live';
}

/** An event is about an object that Stripe does not know. */
export class MissingAtStripe extends AppError {
  readonly id: string;

  constructor(kind: string, id: string, options?: ErrorOptions) {
    super(`Stripe does not know ${kind} ${id} under this key (404)`, options);
    this.id = id;
  }
}
