import type Stripe from 'stripe';
import { fromUnixSeconds } from '../../shared/unix-time.ts';
import type { Desk } from '../events/desk.ts';
import { handlerOf } from '../events/registry.ts';
import { readsThrough } from '../events/stripe-reads.ts';
import { type Committed, inUnitOfWork, type UnitOfWorkDeps } from '../events/unit-of-work.ts';

/**
 * Brings our rows in line with a subscription and its latest invoice as Stripe has them now, through the very
 * handlers that events go through: there is one way a subscription is written.
 */
export async function syncSubscription(
  deps: UnitOfWorkDeps & { stripe: Stripe; livemode: boolean },
  subscriptionId: string,
): Promise<Committed> {
  const response = await deps.stripe.subscriptions.retrieve(subscriptionId, {
    expand: ['latest_invoice.payments'],
  });
  const { latest_invoice: invoice, ...subscription } = response;
  const date = Date.parse(response.lastResponse.headers.date ?? '');
  const seenAt = Number.isNaN(date) ? deps.clock.now() : new Date(date);
  const steps = [stepOf('customer.subscription.updated', { ...subscription, latest_invoice: null }, seenAt)];
  if (invoice !== null && typeof invoice === 'object') {
    const type = invoiceEventFor(invoice);
    if (type) steps.push(stepOf(type, invoice, seenAt));
  }
  const reads = readsThrough(deps.stripe);
  return inUnitOfWork(
    deps,
    steps.map(({ prepared }) => prepared?.touches ?? {}),
    [],
    async (ledger) => {
      ledger.correlationId = `sync-${subscriptionId}`;
      for (const { event, prepared } of steps) {
        const desk: Desk = { ...deps, event: { ...event, livemode: deps.livemode }, ledger, reads };
        await prepared?.apply(desk);
      }
    },
  );
}

/** What Stripe would have sent for an invoice in this state; undefined when it says nothing about payment yet. */
function invoiceEventFor(invoice: Stripe.Invoice): string | undefined {
  if (invoice.status === 'paid') return 'invoice.paid';
  return invoice.status === 'open' && invoice.attempt_count > 0 ? 'invoice.payment_failed' : undefined;
}

function stepOf(type: string, object: unknown, seenAt: Date) {
  // Whole seconds, as an event's time would be.
  const created = fromUnixSeconds(Math.floor(seenAt.getTime() / 1_000));
  const event = { id: `sync-${type}`, type, created, apiVersion: null, object };
  return { event, prepared: handlerOf(type)?.(object) };
}
