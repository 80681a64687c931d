import { readCustomer } from '../../../shared/stripe/facts/index.ts';
import { handler } from '../desk.ts';
import { APPLIED } from '../event.ts';

/**
 * `customer.deleted`: nothing can be charged to this customer again. Stripe ends its subscriptions with events of
 * their own; the row stays as a tombstone, so that their late events still find the user. One is set for a customer
 * nobody is known for as well: the event that tells whose it was may still be on its way.
 */
export const onCustomerDeleted = handler({
  read: readCustomer,
  touches: (facts) => ({ customer: facts.id }),
  apply: (facts, { ledger, event, clock }) => {
    const customer = ledger.customer(facts.id);
    if (customer) {
      customer.deletedAt ??= event.created;
      customer.preferred = false;
      return APPLIED;
    }
    ledger.addCustomer({
      stripeCustomerId: facts.id,
      userId: null,
      livemode: event.livemode,
      preferred: false,
      linkedBy: 'deleted',
      deletedAt: event.created,
      createdAt: clock.now(),
    });
    return APPLIED;
  },
});
