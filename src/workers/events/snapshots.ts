import type Stripe from 'stripe';
import { type InvoiceFacts, readInvoice } from '../../shared/stripe/facts/index.ts';
import { fromUnixSeconds } from '../../shared/unix-time.ts';
import type { Desk, PreparedEvent } from './desk.ts';
import type { Verdict } from './event.ts';
import { handlerOf } from './registry.ts';
import { StripeEnquiry } from './stripe-enquiry.ts';
import { AnswersAtHand, StripeReadNeeded } from './stripe-reads.ts';
import { type Committed, inUnitOfWork, type UnitOfWorkDeps } from './unit-of-work.ts';

/** An object as Stripe has it now, with the type of the event that would have told of it. */
export type ObjectSnapshot = { type: string; object: unknown; seenAt: Date };

export type SnapshotOptions = {
  correlationId: string;
  /** Notes what this announces as delivered, without telling anybody: it is old news. */
  quiet?: boolean;
  /** These are all the objects of this user that premium can depend on. */
  allOf?: number;
};

export type SnapshotDeps = UnitOfWorkDeps & { stripe: Stripe };

/**
 * Books objects that were read from Stripe through the very handlers that events go through: there is one way each
 * row is written. Nothing is marked as processed, since no event was.
 * @throws PermanentError when an object's shape is unknown
 */
export async function bookSnapshots(
  deps: SnapshotDeps,
  snapshots: readonly ObjectSnapshot[],
  options: SnapshotOptions,
): Promise<Committed & { verdicts: readonly Verdict[] }> {
  const steps = snapshots.flatMap(({ type, object, seenAt }) => {
    const prepared = handlerOf(type)?.(object);
    return prepared ? [{ prepared, event: eventOf(deps, type, seenAt) }] : [];
  });
  const enquiry = new StripeEnquiry(deps.stripe);
  const hand = new AnswersAtHand();
  for (;;) {
    try {
      return await bookSteps(deps, steps, hand, options);
    } catch (thrown) {
      if (!(thrown instanceof StripeReadNeeded)) throw thrown;
      await enquiry.answer(hand);
    }
  }
}

type Step = { prepared: PreparedEvent; event: Desk['event'] };

/** @throws {StripeReadNeeded} when an answer is not at hand yet; nothing is changed then */
async function bookSteps(
  deps: SnapshotDeps,
  steps: readonly Step[],
  hand: AnswersAtHand,
  options: SnapshotOptions,
): Promise<Committed & { verdicts: readonly Verdict[] }> {
  const verdicts: Verdict[] = [];
  const completed = await Promise.all(
    steps.map(async ({ prepared, event }) => ({ event, prepared: await prepared.complete(hand) })),
  );
  const committed = await inUnitOfWork(
    deps,
    [...completed.map(({ prepared }) => prepared.touches), { user: options.allOf ?? null }],
    [],
    async (ledger) => {
      ledger.correlationId = options.correlationId;
      const book = async (): Promise<void> => {
        for (const { prepared, event } of completed) {
          verdicts.push(await prepared.apply({ ...deps, event, ledger, reads: hand }));
        }
      };
      // Payments of old are no news, and those of today have events of their own.
      await (options.allOf === undefined ? book() : ledger.unannounced(book));
      if (options.allOf !== undefined) ledger.touchUser(options.allOf);
    },
    { quiet: options.quiet, asked: options.allOf !== undefined },
  );
  return { ...committed, verdicts };
}

function eventOf(deps: SnapshotDeps, type: string, seenAt: Date): Desk['event'] {
  return {
    id: `snapshot-${type}`,
    type,
    // Whole seconds, as an event's time would be.
    created: fromUnixSeconds(Math.floor(seenAt.getTime() / 1_000)),
    livemode: deps.livemode,
    apiVersion: null,
    accountId: null,
    asked: true,
  };
}

/** When Stripe answered, by its own clock. */
export function answeredAt(response: Stripe.Response<unknown>, now: Date): Date {
  const date = Date.parse(response.lastResponse.headers.date ?? '');
  return Number.isNaN(date) ? now : new Date(date);
}

/**
 * An invoice with the event that would have told of its state; undefined while it says nothing about payment. One that
 * is open and was tried is read again along with its intent: a bank debit under way looks like an attempt that failed.
 */
export async function invoiceSnapshot(
  { stripe }: Pick<SnapshotDeps, 'stripe'>,
  invoice: Stripe.Invoice,
  seenAt: Date,
): Promise<ObjectSnapshot | undefined> {
  const isTried = invoice.status === 'open' && (invoice.attempted || invoice.attempt_count > 0);
  const object = isTried
    ? await stripe.invoices.retrieve(invoice.id, { expand: ['payments.data.payment.payment_intent'] })
    : invoice;
  const type = invoiceEventType(readInvoice(object));
  return type === undefined ? undefined : { type, object, seenAt };
}

function invoiceEventType(facts: InvoiceFacts): string | undefined {
  switch (facts.status) {
    case 'paid':
      return 'invoice.paid';
    case 'open':
      return facts.attempted && facts.intentStatus !== 'processing'
        ? 'invoice.payment_failed'
        : 'invoice.finalized';
    case 'void':
      return 'invoice.voided';
    case 'uncollectible':
      return 'invoice.marked_uncollectible';
    default:
      return facts.finalizationError === null ? undefined : 'invoice.finalization_failed';
  }
}
