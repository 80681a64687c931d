import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { BillingEnd, Customer, Subscription, User } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import { isEndedStatus } from '../../shared/stripe/facts/index.ts';
import { isMissingAtStripe, modeOfMissing, voidUnpaid } from '../../shared/stripe/index.ts';
import { createUserLock } from '../checkout/index.ts';
import type { WebDeps } from '../deps.ts';
import { isRefusedByStripe } from '../middleware/stripe-errors.ts';

type EndDeps = Pick<WebDeps, 'orm' | 'stripe' | 'config' | 'clock'>;

/** What was ended, by Stripe's ids. */
export type EndedBilling = {
  customers: string[];
  canceled_subscriptions: string[];
  canceled_schedules: string[];
  expired_sessions: string[];
  /** Drafts among them are deleted, where Stripe lets them be. */
  voided_invoices: string[];
  deleted_invoice_items: string[];
  /** What somebody has to end elsewhere, or later: see {@link Left}. */
  left: Left[];
};

/**
 * A customer that our key cannot reach, being of the other mode or of an account that was left; or one whose bank debit
 * is under way, which nobody can call back: its money may still arrive, and is then to be refunded.
 */
type Left = { customer: string; reason: 'other_mode' | 'unknown_to_this_key' | 'debit_under_way' };

/** Nobody has more of one kind. Read before anything is changed: what was ended leaves the list that is being paged. */
const MOST = { limit: 1_000 };

/**
 * Ends everything Stripe could still charge a user for: to be called before an account is deleted. Stripe goes first
 * and any failure there is an error, because a half-deleted user who is still charged is worse than one who has to be
 * deleted again. Calling it twice is harmless. For a day the user buys nothing more. Payments stay on the books: when
 * the user's row goes, the database keeps them without the person (`archived_payments`).
 * @throws {HttpError} 404 when neither the user nor a customer of theirs exists
 */
export async function endBilling(userId: number, deps: EndDeps): Promise<EndedBilling> {
  const customers = await customersOf(userId, deps);
  await refusePurchases(userId, deps);
  const ended: EndedBilling = {
    customers: [],
    canceled_subscriptions: [],
    canceled_schedules: [],
    expired_sessions: [],
    voided_invoices: [],
    deleted_invoice_items: [],
    left: [],
  };
  for (const { id, livemode } of customers) {
    const isOther = livemode !== null && livemode !== deps.config.stripe.livemode;
    const found = isOther ? 'other_mode' : await find(id, deps.stripe);
    if (found === 'other_mode' || found === 'unknown_to_this_key') {
      ended.left.push({ customer: id, reason: found });
      continue;
    }
    // One deleted at the dashboard cannot be charged any more.
    if (found === 'alive') await endCustomer(id, deps.stripe, ended);
    ended.customers.push(id);
  }
  return ended;
}

async function find(
  id: string,
  stripe: Stripe,
): Promise<'alive' | 'deleted' | 'other_mode' | 'unknown_to_this_key'> {
  try {
    return (await stripe.customers.retrieve(id)).deleted ? 'deleted' : 'alive';
  } catch (error) {
    if (!isMissingAtStripe(error)) throw error;
    return modeOfMissing(error) === null ? 'unknown_to_this_key' : 'other_mode';
  }
}

function all<T>(list: Stripe.ApiListPromise<T>): Promise<T[]> {
  return list.autoPagingToArray(MOST);
}

/** By Stripe's ids, with the mode where it is known. */
async function customersOf(
  userId: number,
  { orm }: EndDeps,
): Promise<{ id: string; livemode: boolean | null }[]> {
  const em = orm.em.fork();
  const linked = await em.find(Customer, { userId, deletedAt: null });
  const subscribed = await em.find(Subscription, { userId }, { fields: ['stripeCustomerId', 'livemode'] });
  const modes = new Map<string, boolean | null>();
  for (const { stripeCustomerId, livemode } of [...linked, ...subscribed]) {
    modes.set(stripeCustomerId, livemode ?? modes.get(stripeCustomerId) ?? null);
  }
  if (modes.size === 0 && (await em.count(User, { id: userId })) === 0) {
    throw HttpError.notFound('user_not_found', `There is no user ${userId}`);
  }
  return [...modes].map(([id, livemode]) => ({ id, livemode }));
}

/** Within the lock of purchases: one that is under way ends first, and what it began is ended below. */
function refusePurchases(userId: number, { orm, clock }: EndDeps): Promise<void> {
  const note = async (em: EntityManager): Promise<void> => {
    await em.upsert(BillingEnd, { userId, endedAt: clock.now() }, { onConflictFields: ['userId'] });
  };
  // Whoever deletes an account does not hang up on it.
  return createUserLock(orm)(userId, note, new AbortController().signal);
}

/**
 * Sessions first, so that nobody pays for a subscription that is being ended; schedules before subscriptions, which
 * cannot be cancelled under one; subscriptions before invoices, since voiding the newest invoice of a subscription that
 * is past due makes it active again; and items last, which a deleted draft gives back.
 */
async function endCustomer(customer: string, stripe: Stripe, ended: EndedBilling): Promise<void> {
  await expireSessions(customer, stripe, ended);
  await endSchedules(customer, stripe, ended);
  await cancelSubscriptions(customer, stripe, ended);
  await voidInvoices(customer, stripe, ended);
  await deleteItems(customer, stripe, ended);
}

async function expireSessions(customer: string, stripe: Stripe, ended: EndedBilling): Promise<void> {
  for (const { id } of await all(stripe.checkout.sessions.list({ customer, status: 'open', limit: 100 }))) {
    try {
      await stripe.checkout.sessions.expire(id);
      ended.expired_sessions.push(id);
    } catch (error) {
      // Paid or expired meanwhile: what it led to is ended below.
      const isOver = async (): Promise<boolean> =>
        (await stripe.checkout.sessions.retrieve(id)).status !== 'open';
      if (!isRefusedByStripe(error) || !(await isOver())) throw error;
    }
  }
}

/** Stripe's own cancel of a schedule bills unless told not to; a running one leaves its subscription to be cancelled. */
async function endSchedules(customer: string, stripe: Stripe, ended: EndedBilling): Promise<void> {
  for (const { id, status } of await all(stripe.subscriptionSchedules.list({ customer, limit: 100 }))) {
    if (status === 'active') await stripe.subscriptionSchedules.release(id);
    if (status !== 'not_started') continue;
    await stripe.subscriptionSchedules.cancel(id, { invoice_now: false, prorate: false });
    ended.canceled_schedules.push(id);
  }
}

async function cancelSubscriptions(customer: string, stripe: Stripe, ended: EndedBilling): Promise<void> {
  for (const { id, status } of await all(
    stripe.subscriptions.list({ customer, status: 'all', limit: 100 }),
  )) {
    if (isEndedStatus(status)) continue;
    await stripe.subscriptions.cancel(id);
    ended.canceled_subscriptions.push(id);
  }
}

/** Ending a subscription stops the collecting of its invoices, but their pages still take money. */
async function voidInvoices(customer: string, stripe: Stripe, ended: EndedBilling): Promise<void> {
  for (const status of ['draft', 'open', 'uncollectible'] as const) {
    for (const invoice of await all(stripe.invoices.list({ customer, status, limit: 100 }))) {
      // Stripe deletes no draft of a subscription.
      if (status === 'draft' && invoice.parent?.subscription_details == null) {
        await stripe.invoices.del(invoice.id);
        ended.voided_invoices.push(invoice.id);
        continue;
      }
      const now = await voidUnpaid(invoice, stripe);
      if (now.status === 'void') ended.voided_invoices.push(invoice.id);
      if (now.status === 'open') ended.left.push({ customer, reason: 'debit_under_way' });
    }
  }
}

async function deleteItems(customer: string, stripe: Stripe, ended: EndedBilling): Promise<void> {
  for (const { id } of await all(stripe.invoiceItems.list({ customer, pending: true, limit: 100 }))) {
    await stripe.invoiceItems.del(id);
    ended.deleted_invoice_items.push(id);
  }
}
