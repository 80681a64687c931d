import type { User } from '../../../shared/entities/index.ts';
import { type CheckoutSessionFacts, readCheckoutSession } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn, wholeNumberOf } from '../books/customer-link.ts';
import { pendingDebit } from '../books/pending-debit.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor } from '../event.ts';
import type { Touches } from '../ledger/index.ts';

/**
 * `checkout.session.completed` and `.async_payment_succeeded`: whose customer and subscription this is. Premium and
 * payments come from the subscription's and the invoice's own events.
 */
export const onCheckoutCompleted = handler({
  read: readCheckoutSession,
  touches: touchesOf,
  apply: (facts, desk) => {
    const owner = ownerOf(desk, facts.customerId, {
      metadata: facts.metadata,
      clientReferenceId: facts.clientReferenceId,
      sessionId: facts.id,
      email: facts.email,
    });
    const session = desk.ledger.session(facts.id);
    if (session && session.status !== 'completed') {
      session.status = 'completed';
      session.completedAt = desk.event.created;
      session.stripeCustomerId = facts.customerId ?? session.stripeCustomerId;
      session.stripeSubscriptionId = facts.subscriptionId ?? session.stripeSubscriptionId;
      session.updatedAt = desk.clock.now();
    }
    if (owner) tellOfDebit(desk, owner, facts);
    if (owner) return APPLIED;
    return facts.customerId === null ? IGNORED : parkedFor(facts.customerId);
  },
});

/** `checkout.session.expired`: nobody paid in time. A completed session never expires. */
export const onCheckoutExpired = handler({
  read: readCheckoutSession,
  touches: touchesOf,
  apply: (facts, desk) => {
    const session = desk.ledger.session(facts.id);
    if (session === undefined || session.status === 'completed') return IGNORED;
    session.status = 'expired';
    session.updatedAt = desk.clock.now();
    return APPLIED;
  },
});

/** `unpaid` is the first debit of a subscription, which is with the bank; how it ends, the invoice's events tell. */
function tellOfDebit({ ledger }: Desk, owner: User, facts: CheckoutSessionFacts): void {
  const { mode, paymentStatus, invoiceId, amountTotal, currency } = facts;
  if (mode !== 'subscription' || paymentStatus !== 'unpaid') return;
  if (invoiceId === null || amountTotal === null || currency === null) return;
  for (const payment of ledger.payments()) {
    if (payment.stripeInvoiceId === invoiceId && payment.status !== 'pending') return;
  }
  ledger.announce(pendingDebit(owner.id, { stripeInvoiceId: invoiceId, amount: amountTotal, currency }));
}

function touchesOf(facts: CheckoutSessionFacts): Touches {
  return {
    customer: facts.customerId,
    subscription: facts.subscriptionId,
    invoices: [facts.invoiceId],
    session: facts.id,
    user: userIdIn(facts.metadata) ?? wholeNumberOf(facts.clientReferenceId),
    email: facts.email,
  };
}
