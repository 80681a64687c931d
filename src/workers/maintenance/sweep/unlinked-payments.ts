import { MINUTE } from '../../../shared/duration.ts';
import { Payment, Subscription } from '../../../shared/entities/index.ts';
import { toError } from '../../../shared/errors.ts';
import { isRefusedByStripe } from '../../../shared/stripe/index.ts';
import { linkIntent } from '../../events/books/payment-book.ts';
import { announcePendingDebit } from '../../events/books/pending-debit.ts';
import { answeredAt, bookSnapshots } from '../../events/snapshots.ts';
import { readsThrough } from '../../events/stripe-reads.ts';
import { inUnitOfWork } from '../../events/unit-of-work.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 50;
/** `invoice_payment.paid` links the two within seconds, where the endpoint gets it. */
const AFTER_MS = 2 * MINUTE;

/**
 * Asks Stripe which invoice and intent belong together where no event told: since basil (2025-03-31) neither payload
 * names the other. What a customer of ours paid to another shop leaves the books. Each payment is asked about once.
 */
export async function sweepUnlinkedPayments(deps: SweepDeps): Promise<number> {
  const unlinked = await deps.orm.em.fork().find(
    Payment,
    {
      linkCheckedAt: null,
      createdAt: { $lt: new Date(deps.clock.now().getTime() - AFTER_MS) },
      $and: [
        {
          $or: [
            { awaitingInvoice: true },
            { stripePaymentIntentId: { $like: 'invoice\\_%' }, status: 'succeeded', livemode: deps.livemode },
          ],
        },
        { $or: [{ livemode: deps.livemode }, { livemode: null }] },
      ],
    },
    { limit: MOST_AT_ONCE, orderBy: { createdAt: 'desc' } },
  );
  for (const payment of unlinked) {
    try {
      await (payment.awaitingInvoice ? settleIntent(deps, payment) : completeInvoice(deps, payment));
    } catch (thrown) {
      deps.logger.warn(
        { err: toError(thrown), payment: payment.stripePaymentIntentId },
        'Could not ask Stripe which invoice a payment belongs to; the next sweep does',
      );
    }
  }
  return unlinked.length;
}

/** An intent whose invoice no event has brought yet: it is shown once the invoice is ours, else removed. */
async function settleIntent(deps: SweepDeps, payment: Payment): Promise<void> {
  const intentId = payment.stripePaymentIntentId;
  const answer = await whatItPays(deps, intentId);
  const linked = await inUnitOfWork(deps, [touchesOf(payment, answer.invoiceId)], [], async (ledger) => {
    const row = [...ledger.payments()].find((candidate) => candidate.id === payment.id);
    // An invoice's event may have come while Stripe answered.
    if (!row?.awaitingInvoice) return;
    if (answer.whose === 'another shop') {
      ledger.removePayment(row);
      return;
    }
    row.linkCheckedAt = deps.clock.now();
    if (answer.whose === 'unknown') return;
    linkIntent({ ledger, clock: deps.clock }, answer.invoiceId, intentId);
    row.stripeSubscriptionId ??= answer.subscriptionId;
    // What was only tried belongs to the invoice's own story; a debit under way is shown for the days it takes.
    if (row.status === 'succeeded' || row.intentStatus === 'processing') row.awaitingInvoice = false;
    for (const paid of ledger.payments()) announcePendingDebit({ ledger }, paid);
  });
  await deps.follow(linked);
}

type Answer =
  | { whose: 'ours'; invoiceId: string; subscriptionId: string }
  | { whose: 'another shop'; invoiceId: string | null }
  /** Stripe does not know the intent under this key, or will not say, which ends nothing. */
  | { whose: 'unknown'; invoiceId: null };

async function whatItPays({ orm, stripe, catalog, pace }: SweepDeps, intentId: string): Promise<Answer> {
  const reads = readsThrough(stripe);
  try {
    const invoiceId = await pace(() => reads.invoiceOfIntent(intentId));
    if (invoiceId === null) {
      await pace(() => reads.intent(intentId));
      return { whose: 'another shop', invoiceId };
    }
    const { subscriptionId } = (await pace(() => reads.invoice(invoiceId))).facts;
    if (subscriptionId === null) return { whose: 'another shop', invoiceId };
    const ours: Answer = { whose: 'ours', invoiceId, subscriptionId };
    if ((await orm.em.fork().count(Subscription, { stripeSubscriptionId: subscriptionId })) > 0) return ours;
    const { facts } = await pace(() => reads.subscription(subscriptionId));
    const plan = await catalog.planOf(facts, false, reads);
    return plan === null ? { whose: 'another shop', invoiceId } : ours;
  } catch (thrown) {
    // It will not say it at the next sweep either.
    if (isRefusedByStripe(thrown)) return { whose: 'unknown', invoiceId: null };
    throw thrown;
  }
}

/** A paid invoice whose intent no event has named: what the intent alone says is read along. */
async function completeInvoice(deps: SweepDeps, payment: Payment): Promise<void> {
  const { stripeInvoiceId: invoiceId } = payment;
  const intentId = invoiceId ? await intentOf(deps, invoiceId) : null;
  await inUnitOfWork(deps, [touchesOf(payment, invoiceId ?? null, intentId)], [], async (ledger) => {
    const row = [...ledger.payments()].find((candidate) => candidate.id === payment.id);
    if (row) row.linkCheckedAt = deps.clock.now();
    if (intentId && invoiceId) linkIntent({ ledger, clock: deps.clock }, invoiceId, intentId);
  });
  if (intentId === null) return;
  const intent = await deps.pace(() => deps.stripe.paymentIntents.retrieve(intentId));
  const type = `payment_intent.${intent.status === 'succeeded' ? 'succeeded' : 'payment_failed'}`;
  const seenAt = answeredAt(intent, deps.clock.now());
  await deps.follow(
    await bookSnapshots(deps, [{ type, object: intent, seenAt }], { correlationId: `sweep-${intentId}` }),
  );
}

/** What Stripe does not know, or will not say, it will not say at the next sweep either. */
async function intentOf({ stripe, pace }: SweepDeps, invoiceId: string): Promise<string | null> {
  try {
    return (await pace(() => readsThrough(stripe).invoice(invoiceId))).facts.intentId;
  } catch (thrown) {
    if (isRefusedByStripe(thrown)) return null;
    throw thrown;
  }
}

function touchesOf(
  { stripePaymentIntentId, stripeCustomerId }: Payment,
  invoiceId: string | null,
  intentId: string | null = null,
) {
  return {
    intent: intentId ?? stripePaymentIntentId,
    invoices: [invoiceId],
    customer: stripeCustomerId ?? null,
  };
}
