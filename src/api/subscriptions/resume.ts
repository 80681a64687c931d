import type Stripe from 'stripe';
import { HttpError } from '../../shared/errors.ts';
import { isEndedStatus, readSubscription } from '../../shared/stripe/facts/index.ts';
import { withoutSchedule } from '../../shared/stripe/index.ts';
import { liveSubscriptionsAtStripe } from '../checkout/index.ts';
import type { WebDeps } from '../deps.ts';
import { suggestSync } from '../maintenance.ts';
import { isMissingAtStripe, isRefusedByStripe } from '../middleware/stripe-errors.ts';
import { countingOf, isLive, subscriptionsOf } from './counting.ts';
import { planOf } from './plan.ts';
import { untilShown } from './until-shown.ts';
import { type SubscriptionView, viewOfFacts } from './view.ts';

type ResumeDeps = Pick<WebDeps, 'orm' | 'stripe' | 'queues' | 'config' | 'clock' | 'logger'>;

/**
 * Lets the subscription that counts go on: takes a scheduled end back, or resumes it when it is paused, which may cost
 * its next period at once. A duplicate that was cancelled along with it stays cancelled.
 * @throws {HttpError} 409 when there is nothing of the kind; 402 when it has to be paid for and is not
 */
export async function resumeSubscription(userId: number, deps: ResumeDeps): Promise<SubscriptionView> {
  const em = deps.orm.em.fork();
  const rows = await subscriptionsOf(em, userId);
  const row = countingOf(rows.filter(isLive));
  const id = row?.stripeSubscriptionId ?? (await liveSubscriptionsAtStripe(em, userId, deps)).live[0]?.id;
  if (id === undefined) throw nothingToResume();
  try {
    const facts = readSubscription(await goOn(id, deps.stripe));
    await suggestSync(id, 'always', deps);
    await untilShown([facts], deps);
    return viewOfFacts(facts, {
      id: row?.id ?? null,
      planType: row?.planType ?? planOf(facts, deps.config.stripe.prices),
    });
  } catch (error) {
    // Even what failed may have changed the subscription: one that is not paid for is past due.
    await suggestSync(id, 'always', deps);
    throw error;
  }
}

async function goOn(id: string, stripe: Stripe): Promise<Stripe.Subscription> {
  const subscription = await readOne(id, stripe);
  const { status, cancelAt, collectionPaused } = readSubscription(subscription);
  if (isEndedStatus(status)) throw nothingToResume();
  if (cancelAt === null && !collectionPaused && status !== 'paused') throw nothingToResume();
  if (cancelAt !== null || collectionPaused) await takeBack(subscription, stripe);
  if (status === 'paused') await unpause(subscription, stripe);
  return stripe.subscriptions.retrieve(id);
}

async function readOne(id: string, stripe: Stripe): Promise<Stripe.Subscription> {
  try {
    return await stripe.subscriptions.retrieve(id);
  } catch (error) {
    if (isMissingAtStripe(error)) throw nothingToResume();
    throw error;
  }
}

/** The end is taken back by the one of Stripe's two fields that says it; a schedule that says it is told so first. */
async function takeBack(subscription: Stripe.Subscription, stripe: Stripe): Promise<void> {
  const current = await keepPlanned(subscription, stripe);
  const { cancelAt, collectionPaused } = readSubscription(current);
  const end: Stripe.SubscriptionUpdateParams =
    cancelAt === null
      ? {}
      : current.cancel_at_period_end
        ? { cancel_at_period_end: false }
        : { cancel_at: '' };
  const change: Stripe.SubscriptionUpdateParams = {
    ...end,
    ...(collectionPaused ? { pause_collection: '' } : {}),
    // Another cancellation will have a number of its own.
    metadata: { cancellation_reference: '' },
  };
  const update = () => stripe.subscriptions.update(current.id, change);
  try {
    // Only its end is a schedule's business: nothing else of it has to go.
    await (cancelAt === null ? update() : withoutSchedule(current, stripe, update));
  } catch (error) {
    if (isRefusedByStripe(error) && isEndedStatus((await readOne(current.id, stripe)).status)) {
      throw nothingToResume();
    }
    throw error;
  }
}

/**
 * A schedule that ends its subscription is told to leave it running instead, which keeps a change of plan that it
 * holds. Where Stripe does not take that, the schedule is released like any other.
 * @returns the subscription as it is then
 */
async function keepPlanned(subscription: Stripe.Subscription, stripe: Stripe): Promise<Stripe.Subscription> {
  const { id, schedule } = subscription;
  if (schedule === null || readSubscription(subscription).cancelAt === null) return subscription;
  try {
    await stripe.subscriptionSchedules.update(typeof schedule === 'string' ? schedule : schedule.id, {
      end_behavior: 'release',
    });
  } catch (error) {
    if (!isRefusedByStripe(error)) throw error;
  }
  return readOne(id, stripe);
}

/**
 * Resuming makes an invoice for the next period and tries no payment by itself: without the attempt that follows, the
 * subscription would stay paused and the invoice be voided within a day. A refused payment leaves it past due.
 */
async function unpause(subscription: Stripe.Subscription, stripe: Stripe): Promise<void> {
  await requirePaymentMethod(subscription, stripe);
  try {
    await stripe.subscriptions.resume(subscription.id);
  } catch (error) {
    // Begun before, by a click before this one or an attempt that was cut off: its invoice waits.
    if (!isRefusedByStripe(error)) throw error;
  }
  const { latest_invoice: invoice } = await stripe.subscriptions.retrieve(subscription.id, {
    expand: ['latest_invoice'],
  });
  if (invoice === null || typeof invoice === 'string' || invoice.status !== 'open') return;
  try {
    await stripe.invoices.pay(invoice.id, { off_session: false });
  } catch (error) {
    if (isRefusedByStripe(error) && (await stripe.invoices.retrieve(invoice.id)).status === 'paid') return;
    throw needsConfirmation(error, invoice.hosted_invoice_url) ?? error;
  }
}

async function requirePaymentMethod(subscription: Stripe.Subscription, stripe: Stripe): Promise<void> {
  if (subscription.default_payment_method ?? subscription.default_source) return;
  const customer = await stripe.customers.retrieve(customerOf(subscription));
  if (customer.deleted) throw nothingToResume();
  if (customer.invoice_settings.default_payment_method ?? customer.default_source) return;
  throw HttpError.conflict(
    'payment_method_missing',
    'There is nothing to pay with: add a card in the billing portal, then resume',
  );
}

function customerOf({ customer }: Stripe.Subscription): string {
  return typeof customer === 'string' ? customer : customer.id;
}

/** The bank asks for its holder's word (3-D Secure): the invoice's own page is where to give it. */
function needsConfirmation(error: unknown, url: string | null | undefined): HttpError | null {
  const { code } = error as { code?: string };
  if (code !== 'invoice_payment_intent_requires_action' || !url) return null;
  return new HttpError(
    402,
    'payment_action_required',
    'The bank wants this payment confirmed: open data.url',
    {
      cause: error,
      data: { url },
    },
  );
}

function nothingToResume(): HttpError {
  return HttpError.conflict(
    'nothing_to_resume',
    'No subscription is paused, and none has an end that could be taken back',
  );
}
