import type Stripe from 'stripe';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import {
  isEndedStatus,
  readInvoice,
  readSubscription,
  type SubscriptionFacts,
} from '../../shared/stripe/facts/index.ts';
import {
  type Closed,
  closeUnpaid,
  isDebitUnderWay,
  unpaidInvoicesOf,
  withoutSchedule,
} from '../../shared/stripe/index.ts';
import { isMissingAtStripe, isRefusedByStripe } from '../middleware/stripe-errors.ts';

/** The words in which Stripe keeps why somebody left. */
export const LEAVING_REASONS = [
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
] as const;

/** How somebody wants to leave. */
export type Leaving = {
  /** False ends it now. */
  atPeriodEnd: boolean;
  reason?: (typeof LEAVING_REASONS)[number] | undefined;
  comment?: string | undefined;
};

/** A subscription that somebody has left, as Stripe now has it. */
export type Left = {
  facts: SubscriptionFacts;
  /** Ended at once, although its end was to be that of the period: the period was not paid for. */
  wasUnpaid: boolean;
  reference: string;
  /** Null where nothing had to be closed, or where closing failed. */
  closed: Closed | null;
  /** What is unpaid could not be closed: somebody has to do it later. */
  leftOpen: boolean;
};

/** Where a subscription keeps the number that the person was given. */
const REFERENCE = 'cancellation_reference';

/**
 * Ends a subscription at Stripe. What is not paid for is not collected after somebody left: where the running period
 * is not paid (and no bank debit for it under way), "at the end of what is paid" is now.
 * @param reference a new number for the person; one that was given before stays
 * @returns null when it had ended before, which our row may not know yet
 */
export async function leave(
  id: string,
  wish: Leaving,
  reference: string,
  deps: { stripe: Stripe; logger: Logger },
): Promise<Left | null> {
  const subscription = await running(id, deps.stripe);
  if (subscription === null) return null;
  try {
    const stays =
      wish.atPeriodEnd && subscription.status !== 'paused' && !(await owesPeriod(subscription, deps.stripe));
    return stays
      ? await endLater(subscription, wish, reference, deps.stripe)
      : await endNow(subscription, wish, reference, deps);
  } catch (error) {
    if (isRefusedByStripe(error) && (await running(id, deps.stripe)) === null) return null;
    throw error;
  }
}

async function running(id: string, stripe: Stripe): Promise<Stripe.Subscription | null> {
  try {
    const subscription = await stripe.subscriptions.retrieve(id);
    return isEndedStatus(subscription.status) ? null : subscription;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}

/** Whether somebody still has to pay for the period that runs. A bank debit under way counts as paid until it fails. */
async function owesPeriod(subscription: Stripe.Subscription, stripe: Stripe): Promise<boolean> {
  const { period } = readSubscription(subscription);
  if (period === null) return false;
  // The invoice of a change that waits to be paid is for a period that has not begun.
  const { pending_update: pending, latest_invoice: latest } = subscription;
  const ofChange = pending === null ? null : typeof latest === 'string' ? latest : latest?.id;
  for (const invoice of await unpaidInvoicesOf(subscription.id, stripe)) {
    if (invoice.id === ofChange) continue;
    const { servicePeriod } = readInvoice(invoice);
    const isForPeriod = servicePeriod
      ? servicePeriod.end > period.start
      : invoice.lines.has_more && invoice.created * 1_000 >= period.start.getTime();
    if (isForPeriod && invoice.amount_due > 0 && !(await isDebitUnderWay(invoice, stripe))) return true;
  }
  return false;
}

async function endLater(
  subscription: Stripe.Subscription,
  wish: Leaving,
  reference: string,
  stripe: Stripe,
): Promise<Left> {
  const { cancelAt, period } = readSubscription(subscription);
  const isEnding = cancelAt !== null && period !== null && cancelAt <= period.end;
  const given = subscription.metadata[REFERENCE];
  const said = wish.reason !== undefined || wish.comment !== undefined;
  const kept = isEnding && given ? given : reference;
  const left = (as: Stripe.Subscription): Left => ({
    facts: readSubscription(as),
    wasUnpaid: false,
    reference: kept,
    closed: null,
    leftOpen: false,
  });
  // Asking once more changes nothing, not even when it was asked.
  if (isEnding && given && !said) return left(subscription);
  const words = { metadata: { [REFERENCE]: kept }, ...wordsOf(wish) };
  if (isEnding) return left(await stripe.subscriptions.update(subscription.id, words));
  return left(
    await withoutSchedule(subscription, stripe, () =>
      stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true, ...words }),
    ),
  );
}

/** First the end, then what is unpaid: the other way round a subscription that is past due would be active again. */
async function endNow(
  subscription: Stripe.Subscription,
  wish: Leaving,
  reference: string,
  { stripe, logger }: { stripe: Stripe; logger: Logger },
): Promise<Left> {
  const { id } = subscription;
  const ended = await withoutSchedule(subscription, stripe, () =>
    stripe.subscriptions.cancel(id, { invoice_now: false, prorate: false, ...wordsOf(wish) }),
  );
  const kept = subscription.metadata[REFERENCE] ?? reference;
  let closed: Closed | null = null;
  try {
    if (kept !== subscription.metadata[REFERENCE]) {
      await stripe.subscriptions.update(id, { metadata: { [REFERENCE]: kept } });
    }
    closed = await closeUnpaid(ended, stripe);
  } catch (error) {
    // It has ended, and asking again would find nothing to end.
    logger.warn(
      { err: toError(error), subscription: id },
      'Could not close what an ended subscription left unpaid',
    );
  }
  return {
    facts: readSubscription(ended),
    wasUnpaid: wish.atPeriodEnd && subscription.status !== 'paused',
    reference: kept,
    closed,
    leftOpen: closed === null,
  };
}

function wordsOf({
  reason,
  comment,
}: Leaving): Pick<Stripe.SubscriptionUpdateParams, 'cancellation_details'> {
  if (reason === undefined && comment === undefined) return {};
  return {
    cancellation_details: {
      ...(reason === undefined ? {} : { feedback: reason }),
      ...(comment === undefined ? {} : { comment }),
    },
  };
}
