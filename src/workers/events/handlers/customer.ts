import { readCustomer } from '../../../shared/stripe/facts/index.ts';
import { handler } from '../desk.ts';
import { APPLIED, IGNORED } from '../event.ts';

/**
 * `customer.deleted`: nothing can be charged to this customer again. Stripe ends its subscriptions with events of
 * their own; the row stays as a tombstone, so that their late events still find the user.
 */
export const onCustomerDeleted = handler({
  read: readCustomer,
  touches: (facts) => ({ customer: facts.id }),
  apply: (facts, desk) => {
    const customer = desk.ledger.customer(facts.id);
    if (!customer) return IGNORED;
    customer.deletedAt ??= desk.event.created;
    customer.preferred = false;
    return APPLIED;
  },
});
