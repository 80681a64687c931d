import { MINUTE } from '../../../shared/duration.ts';
import { Payment } from '../../../shared/entities/index.ts';
import { toError } from '../../../shared/errors.ts';
import { isRefusedByStripe } from '../../../shared/stripe/index.ts';
import { linkIntent } from '../../events/books/payment-book.ts';
import { announcePendingDebit } from '../../events/books/pending-debit.ts';
import { readsThrough } from '../../events/stripe-reads.ts';
import { inUnitOfWork } from '../../events/unit-of-work.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 50;
/** `invoice_payment.paid` links the two within seconds, where the endpoint gets it. */
const AFTER_MS = 2 * MINUTE;

/**
 * Asks Stripe which invoice and intent belong together where no event told: since basil (2025-03-31) neither payload
 * names the other. Each payment is asked about once: when it has succeeded, or while a bank debit is under way.
 */
export async function sweepUnlinkedPayments(deps: SweepDeps): Promise<number> {
  const unlinked = await deps.orm.em.fork().find(
    Payment,
    {
      linkCheckedAt: null,
      createdAt: { $lt: new Date(deps.clock.now().getTime() - AFTER_MS) },
      $or: [
        { awaitingInvoice: true, $or: [{ status: 'succeeded' }, { intentStatus: 'processing' }] },
        { status: 'succeeded', stripePaymentIntentId: { $like: 'invoice\\_%' }, livemode: deps.livemode },
      ],
    },
    { limit: MOST_AT_ONCE, orderBy: { createdAt: 'desc' } },
  );
  for (const payment of unlinked) {
    try {
      await linkOne(deps, payment);
    } catch (thrown) {
      deps.logger.warn(
        { err: toError(thrown), payment: payment.stripePaymentIntentId },
        'Could not ask Stripe which invoice a payment belongs to; the next sweep does',
      );
    }
  }
  return unlinked.length;
}

async function linkOne(deps: SweepDeps, payment: Payment): Promise<void> {
  const link = payment.awaitingInvoice
    ? {
        intentId: payment.stripePaymentIntentId,
        invoiceId: await unlessRefused(invoiceOf(deps, payment.stripePaymentIntentId)),
      }
    : {
        intentId: await unlessRefused(intentOf(deps, payment.stripeInvoiceId)),
        invoiceId: payment.stripeInvoiceId ?? null,
      };
  const touches = { intent: link.intentId, invoices: [link.invoiceId], customer: payment.stripeCustomerId };
  const linked = await inUnitOfWork(deps, [touches], [], async (ledger) => {
    const row = [...ledger.payments()].find((candidate) => candidate.id === payment.id);
    if (row) {
      row.linkCheckedAt = deps.clock.now();
      row.awaitingInvoice = false;
    }
    if (!link.intentId || !link.invoiceId) return;
    linkIntent({ ledger, clock: deps.clock }, link.invoiceId, link.intentId);
    for (const paid of ledger.payments()) announcePendingDebit({ ledger }, paid);
  });
  await deps.follow(linked);
}

/** What Stripe does not know, or will not say, it will not say at the next sweep either. */
async function unlessRefused(asked: Promise<string | null>): Promise<string | null> {
  try {
    return await asked;
  } catch (error) {
    if (isRefusedByStripe(error)) return null;
    throw error;
  }
}

function invoiceOf({ stripe, pace }: SweepDeps, intentId: string): Promise<string | null> {
  return pace(() => readsThrough(stripe).invoiceOfIntent(intentId));
}

async function intentOf(deps: SweepDeps, invoiceId: string | null | undefined): Promise<string | null> {
  if (!invoiceId) return null;
  const { facts } = await deps.pace(() => readsThrough(deps.stripe).invoice(invoiceId));
  return facts.intentId;
}
