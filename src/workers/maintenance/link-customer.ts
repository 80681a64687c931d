import { PermanentError } from '../../shared/errors.ts';
import { linkCustomer } from '../events/books/customer-link.ts';
import { type Committed, inUnitOfWork, type UnitOfWorkDeps } from '../events/unit-of-work.ts';

/**
 * What an operator says: this Stripe customer is that user. Events that were parked for it are applied then, and a
 * link that only a typed address had made is confirmed.
 * @throws {PermanentError} when there is no such user, or the customer is somebody else's
 */
export function linkCustomerByHand(
  deps: UnitOfWorkDeps,
  stripeCustomerId: string,
  userId: number,
): Promise<Committed> {
  return inUnitOfWork(deps, [{ customer: stripeCustomerId, user: userId }], [], async (ledger) => {
    const user = ledger.user(userId);
    if (!user) throw new PermanentError(`There is no user ${userId}`);
    const owner = ledger.customer(stripeCustomerId)?.userId;
    if (owner != null && owner !== userId) {
      throw new PermanentError(`Customer ${stripeCustomerId} already belongs to user ${owner}`);
    }
    const desk = { ledger, clock: deps.clock, event: { livemode: deps.livemode } };
    linkCustomer(desk, stripeCustomerId, user, 'operator');
  });
}
