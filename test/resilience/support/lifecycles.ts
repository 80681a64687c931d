import type Stripe from 'stripe';
import type { BillingSettings, Sandbox } from '../../../sandbox/index.ts';
import { planYear } from '../../stories/support/plan-year.ts';
import { PRICE_ANNUEL, PRICE_MENSUEL } from '../../stories/support/world.ts';

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
/** The sweep runs in the quarter of an hour before a period ends, in life. */
const SWEPT_BEFORE = 600;

/** What happens to a user's subscription, told to the Stripe sandbox. */
export type Lifecycle = {
  readonly name: string;
  readonly live: (life: Life) => Promise<void>;
  readonly billing?: Partial<BillingSettings>;
  /** Variables of the worker. */
  readonly env?: Record<string, string>;
};

/** The hands of one life: the customer's, the bank's and the clock's. */
export type Life = {
  readonly stripe: Stripe;
  readonly sandbox: Sandbox;
  readonly userId: number;
  readonly email: string;
  /** The Stripe customer, who exists before anything is bought. */
  readonly customer: string;
  /** Lets the events so far reach the service before life goes on. */
  told(): Promise<void>;
};

export const LIFECYCLES: readonly Lifecycle[] = [
  {
    name: 'a purchase',
    live: async (life) => {
      await buys(life);
    },
  },
  {
    name: 'a purchase whose subscription is active from its first event',
    billing: { checkoutSubscriptionStartsAs: 'active', billingMode: 'classic' },
    live: async (life) => {
      await buys(life);
      await passes(life, 3 * DAY);
    },
  },
  {
    name: 'a renewal',
    live: async (life) => {
      await renews(life, await buys(life));
    },
  },
  {
    name: 'two renewals',
    live: async (life) => {
      const subscription = await buys(life);
      await renews(life, subscription);
      await renews(life, subscription);
    },
  },
  {
    name: 'a renewal that is not paid yet',
    live: async (life) => {
      await reachesEnd(life, await buys(life));
      await passes(life, HOUR / 2);
    },
  },
  {
    name: 'a failed renewal that waits for its next attempt',
    live: async (life) => {
      await renews(life, await buys(life, { card: 'failsLater' }));
      await passes(life, DAY);
    },
  },
  {
    name: 'a failed renewal that recovers',
    live: async (life) => {
      await renews(life, await buys(life, { card: 'failsLater' }));
      await passes(life, DAY);
      life.sandbox.setCard({ customer: life.customer, card: 'succeeds' });
      await passes(life, 4 * DAY);
    },
  },
  {
    name: 'a failed renewal that ends canceled',
    live: async (life) => {
      await renews(life, await buys(life, { card: 'failsLater' }));
      await passes(life, 4 * DAY);
      await passes(life, 6 * DAY);
      await passes(life, 10 * DAY);
    },
  },
  {
    name: 'a failed renewal that ends unpaid',
    billing: { afterLastRetry: 'unpaid' },
    live: async (life) => {
      await renews(life, await buys(life, { card: 'failsLater' }));
      await passes(life, 4 * DAY);
      await passes(life, 16 * DAY);
    },
  },
  {
    name: 'a cancellation at the period end, and the end',
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, 5 * DAY);
      life.sandbox.cancelAtPeriodEnd({ subscription });
      await life.told();
      await reachesEnd(life, subscription);
      await passes(life, HOUR);
    },
  },
  {
    name: 'a cancellation that is taken back',
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, 5 * DAY);
      life.sandbox.cancelAtPeriodEnd({ subscription });
      await passes(life, DAY);
      life.sandbox.resume({ subscription });
      await life.told();
    },
  },
  {
    name: 'a purchase, cancellation, undoing and cancellation within one second',
    live: async (life) => {
      const subscription = await buys(life, { silent: true });
      life.sandbox.cancelAtPeriodEnd({ subscription });
      life.sandbox.resume({ subscription });
      life.sandbox.cancelAtPeriodEnd({ subscription });
      await life.told();
    },
  },
  {
    name: 'a cancellation now',
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, 5 * DAY);
      life.sandbox.cancelNow({ subscription });
      await life.told();
    },
  },
  {
    name: 'a purchase and its cancellation within one second',
    live: async (life) => {
      life.sandbox.cancelNow({ subscription: await buys(life, { silent: true }) });
      await life.told();
    },
  },
  {
    name: 'another subscription after a cancellation',
    live: async (life) => {
      const first = await buys(life);
      await passes(life, 5 * DAY);
      life.sandbox.cancelNow({ subscription: first });
      await passes(life, DAY);
      await buys(life, { plan: 'annuel' });
    },
  },
  {
    name: 'another subscription in the second of a cancellation',
    live: async (life) => {
      const first = await buys(life);
      await passes(life, 5 * DAY);
      life.sandbox.cancelNow({ subscription: first });
      await buys(life);
    },
  },
  {
    name: 'two subscriptions of one user, the first of which ends',
    live: async (life) => {
      const first = await buys(life);
      await passes(life, 5 * DAY);
      await buys(life, { plan: 'annuel' });
      await passes(life, DAY);
      life.sandbox.cancelNow({ subscription: first });
      await life.told();
    },
  },
  {
    name: 'two live subscriptions of one user',
    live: async (life) => {
      await buys(life);
      await passes(life, 5 * DAY);
      await buys(life, { plan: 'annuel' });
    },
  },
  {
    name: 'a change to the yearly plan',
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, 10 * DAY);
      life.sandbox.changePlan({ subscription, price: PRICE_ANNUEL });
      await life.told();
    },
  },
  {
    name: 'a change to the monthly plan',
    live: async (life) => {
      const subscription = await buys(life, { plan: 'annuel' });
      await passes(life, 10 * DAY);
      life.sandbox.changePlan({ subscription, price: PRICE_MENSUEL });
      await passes(life, DAY);
    },
  },
  {
    name: 'a change that cannot be paid, taken back, and the end',
    live: async (life) => {
      const subscription = await buys(life, { card: 'failsLater' });
      await passes(life, 10 * DAY);
      life.sandbox.changePlan({ subscription, price: PRICE_ANNUEL });
      await passes(life, 2);
      life.sandbox.changePlan({ subscription, price: PRICE_MENSUEL });
      await passes(life, 2);
      life.sandbox.cancelNow({ subscription });
      await life.told();
    },
  },
  {
    name: 'a failed renewal, a change of plan that is paid, and a retry that fails',
    live: async (life) => {
      const subscription = await buys(life, { card: 'failsLater' });
      await renews(life, subscription);
      await passes(life, DAY);
      life.sandbox.setCard({ customer: life.customer, card: 'succeeds' });
      life.sandbox.changePlan({ subscription, price: PRICE_ANNUEL });
      life.sandbox.setCard({ customer: life.customer, card: 'failsLater' });
      await passes(life, 3 * DAY);
    },
  },
  {
    name: 'a failed renewal, and a change of plan that fails too',
    live: async (life) => {
      const subscription = await buys(life, { card: 'failsLater' });
      await renews(life, subscription);
      await passes(life, DAY);
      life.sandbox.changePlan({ subscription, price: PRICE_ANNUEL });
      await passes(life, 3 * DAY);
    },
  },
  {
    name: 'a failed renewal, a change of plan that fails too, and both are paid',
    live: async (life) => {
      const subscription = await buys(life, { card: 'failsLater' });
      await renews(life, subscription);
      await passes(life, DAY);
      life.sandbox.changePlan({ subscription, price: PRICE_ANNUEL });
      await passes(life, DAY);
      life.sandbox.setCard({ customer: life.customer, card: 'succeeds' });
      await passes(life, 3 * DAY);
    },
  },
  {
    name: 'a failed renewal, a retry that wants authentication',
    live: async (life) => {
      await renews(life, await buys(life, { card: 'failsLater' }));
      await passes(life, 4 * DAY);
      life.sandbox.setCard({ customer: life.customer, card: 'alwaysAuthentication' });
      await passes(life, 6 * DAY);
    },
  },
  {
    name: 'a trial that converts',
    live: async (life) => {
      const subscription = await buys(life, { trialDays: 14 });
      await passes(life, 11 * DAY);
      await reachesEnd(life, subscription);
      await passes(life, HOUR);
    },
  },
  {
    name: 'a trial that lapses',
    live: async (life) => {
      const subscription = await buys(life, { trialDays: 14, withoutCard: 'cancel' });
      await passes(life, 11 * DAY);
      await reachesEnd(life, subscription);
      await passes(life, HOUR);
    },
  },
  {
    name: 'a trial that pauses',
    live: async (life) => {
      const subscription = await buys(life, { trialDays: 14, withoutCard: 'pause' });
      await passes(life, 11 * DAY);
      await reachesEnd(life, subscription);
      await passes(life, HOUR);
    },
  },
  {
    name: '3-D Secure at the purchase',
    live: async (life) => {
      await buys(life, { card: 'authentication' });
    },
  },
  {
    name: '3-D Secure at the renewal, granted',
    live: async (life) => {
      const subscription = await buys(life, { card: 'alwaysAuthentication' });
      await renews(life, subscription);
      await passes(life, HOUR);
      life.sandbox.authenticate({ id: await latestInvoice(life, subscription), accept: true });
      await life.told();
    },
  },
  {
    name: '3-D Secure at the renewal, refused',
    live: async (life) => {
      const subscription = await buys(life, { card: 'alwaysAuthentication' });
      await renews(life, subscription);
      await passes(life, HOUR);
      life.sandbox.authenticate({ id: await latestInvoice(life, subscription), accept: false });
      await life.told();
    },
  },
  {
    name: 'a partial and a full refund',
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, DAY);
      life.sandbox.refund({ of: subscription, amount: 300 });
      await passes(life, DAY);
      life.sandbox.refund({ of: subscription });
      await life.told();
    },
  },
  {
    name: 'a full refund that ends premium',
    env: { PREMIUM_ON_REFUND: 'end' },
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, DAY);
      life.sandbox.refund({ of: subscription });
      await passes(life, DAY);
    },
  },
  {
    name: 'a refund that fails after all',
    live: async (life) => {
      const subscription = await buys(life);
      await passes(life, DAY);
      const refund = life.sandbox.refund({ of: subscription });
      await passes(life, DAY);
      life.sandbox.failRefund({ refund: refund.id });
      await life.told();
    },
  },
  {
    name: 'a dispute that is won',
    live: (life) => isDisputed(life, 'won'),
  },
  {
    name: 'a dispute that is lost and suspends premium',
    env: { PREMIUM_ON_DISPUTE: 'suspend' },
    live: (life) => isDisputed(life, 'lost'),
  },
  {
    name: 'SEPA: a purchase that the bank still has',
    live: async (life) => {
      await buys(life, { card: 'sepaSucceeds' });
      await passes(life, DAY);
    },
  },
  {
    name: 'SEPA: a purchase, and a renewal that the bank still has',
    live: async (life) => {
      const subscription = await buys(life, { card: 'sepaSucceeds' });
      await renews(life, subscription);
      await passes(life, DAY);
    },
  },
  {
    name: 'SEPA: a renewal that is paid late',
    billing: { delayedPaymentSeconds: 10 * DAY },
    live: async (life) => {
      await renews(life, await buys(life, { card: 'sepaSucceeds' }));
      await passes(life, 5 * DAY);
      await passes(life, 5 * DAY);
    },
  },
  {
    name: 'SEPA: a renewal that fails',
    live: async (life) => {
      await renews(life, await buys(life, { card: 'sepaFailsLater' }));
      await passes(life, 4 * DAY);
    },
  },
  {
    name: 'SEPA: a renewal that fails after more than a week',
    billing: { delayedPaymentSeconds: 10 * DAY },
    live: async (life) => {
      await renews(life, await buys(life, { card: 'sepaFailsLater' }));
      await passes(life, 6 * DAY);
      await passes(life, 5 * DAY);
    },
  },
  {
    name: 'SEPA: a renewal that fails, and another debit for it',
    live: async (life) => {
      const subscription = await buys(life, { card: 'sepaFailsLater' });
      await renews(life, subscription);
      await passes(life, 4 * DAY);
      life.sandbox.payInvoice({ invoice: await latestInvoice(life, subscription), card: 'sepaSucceeds' });
      await passes(life, DAY);
    },
  },
  {
    name: 'SEPA: a first debit that fails',
    live: (life) => firstDebitFails(life),
  },
  {
    name: 'SEPA: a first debit that fails, of which only the voided invoice is told',
    billing: { announcesFirstDebitFailure: false },
    live: (life) => firstDebitFails(life),
  },
  {
    name: 'SEPA: a first debit that fails, and a second month that is paid',
    live: async (life) => {
      await firstDebitFails(life);
      life.sandbox.setCard({ customer: life.customer, card: 'succeeds' });
      const { data } = await life.stripe.subscriptions.list({ customer: life.customer });
      await renews(life, data[0]?.id ?? '');
    },
  },
  {
    name: 'SEPA: the first debit after a trial',
    live: async (life) => {
      const subscription = await buys(life, { card: 'sepaSucceeds', trialDays: 14 });
      await passes(life, 11 * DAY);
      await renews(life, subscription);
      await passes(life, DAY);
    },
  },
  {
    name: 'a renewal whose draft waits for three days',
    live: async (life) => {
      const subscription = await buys(life);
      life.sandbox.holdDrafts({ seconds: 72 * HOUR });
      await reachesEnd(life, subscription);
      await passes(life, 50 * HOUR);
      life.sandbox.holdDrafts({});
    },
  },
  {
    name: 'a draft that cannot be finalised, and is paid by hand',
    live: async (life) => {
      const subscription = await buys(life);
      life.sandbox.loseTaxAddress({ subscription, outcome: 'fails_finalization' });
      await renews(life, subscription);
      await passes(life, DAY);
      await life.stripe.invoices.pay(await latestInvoice(life, subscription));
      await life.told();
    },
  },
  {
    name: 'a draft that cannot be finalised',
    live: async (life) => {
      const subscription = await buys(life);
      life.sandbox.loseTaxAddress({ subscription, outcome: 'fails_finalization' });
      await renews(life, subscription);
      await passes(life, DAY);
    },
  },
  ...(['classic', 'flexible'] as const).map(
    (billingMode): Lifecycle => ({
      name: `days given as a trial, in ${billingMode} billing`,
      billing: { billingMode },
      live: async (life) => {
        const subscription = await buys(life);
        await passes(life, 10 * DAY);
        const end = life.sandbox.now + 40 * DAY;
        await life.stripe.subscriptions.update(subscription, { trial_end: end, proration_behavior: 'none' });
        await life.told();
        await reachesEnd(life, subscription);
        await passes(life, HOUR / 2);
      },
    }),
  ),
  {
    name: 'a trial that is made longer, then shorter',
    live: async (life) => {
      const subscription = await buys(life, { trialDays: 14 });
      await passes(life, 5 * DAY);
      await life.stripe.subscriptions.update(subscription, { trial_end: life.sandbox.now + 30 * DAY });
      await passes(life, 5 * DAY);
      await life.stripe.subscriptions.update(subscription, { trial_end: life.sandbox.now + 10 * DAY });
      await passes(life, DAY);
    },
  },
  ...(['void', 'mark_uncollectible', 'keep_as_draft'] as const).map(
    (behavior): Lifecycle => ({
      name: `a renewal while collection is paused (${behavior}), and the pause's end`,
      live: async (life) => {
        const subscription = await buys(life);
        await passes(life, 10 * DAY);
        await life.stripe.subscriptions.update(subscription, { pause_collection: { behavior } });
        await renews(life, subscription);
        await passes(life, 2 * DAY);
        await life.stripe.subscriptions.update(subscription, { pause_collection: '' });
        await life.told();
      },
    }),
  ),
  {
    name: 'several items, premium among them, and a renewal',
    live: async (life) => {
      const extra = await life.stripe.prices.create({
        currency: 'eur',
        unit_amount: 250,
        recurring: { interval: 'month' },
        product_data: { name: 'Supplément' },
      });
      const method = await life.stripe.paymentMethods.attach('pm_card_visa', { customer: life.customer });
      const { id } = await life.stripe.subscriptions.create({
        customer: life.customer,
        items: [{ price: extra.id }, { price: PRICE_MENSUEL }],
        default_payment_method: method.id,
        metadata: { user_id: String(life.userId), plan_type: 'mensuel' },
      });
      await life.told();
      await renews(life, id);
    },
  },
  {
    name: 'a schedule that changes the plan at the period end',
    live: async (life) => {
      const subscription = await buys(life);
      await planYear(life.stripe, subscription);
      await life.told();
      await renews(life, subscription);
    },
  },
  {
    name: 'a schedule that is released before a cancellation',
    live: async (life) => {
      const subscription = await buys(life);
      const { id: planned } = await planYear(life.stripe, subscription);
      await passes(life, DAY);
      await life.stripe.subscriptionSchedules.release(planned);
      await life.stripe.subscriptions.update(subscription, { cancel_at_period_end: true });
      await life.told();
      await reachesEnd(life, subscription);
      await passes(life, HOUR);
    },
  },
  {
    name: 'a failed renewal that another intent pays',
    live: async (life) => {
      const subscription = await buys(life, { card: 'failsLater' });
      await renews(life, subscription);
      await passes(life, DAY);
      const { id: intent } = await life.stripe.paymentIntents.create({
        amount: 999,
        currency: 'eur',
        customer: life.customer,
        payment_method: 'pm_card_visa',
        confirm: true,
      });
      await life.stripe.invoices.attachPayment(await latestInvoice(life, subscription), {
        payment_intent: intent,
      });
      await life.told();
      await passes(life, 3 * DAY);
    },
  },
  {
    name: 'a failed renewal that a credit note settles',
    live: async (life) => {
      const subscription = await buys(life, { card: 'failsLater' });
      await renews(life, subscription);
      await passes(life, DAY);
      await life.stripe.creditNotes.create({ invoice: await latestInvoice(life, subscription), amount: 999 });
      await passes(life, 3 * DAY);
    },
  },
  {
    name: 'a customer who is deleted',
    live: async (life) => {
      await buys(life);
      await passes(life, 5 * DAY);
      life.sandbox.deleteCustomer({ customer: life.customer });
      await life.told();
    },
  },
];

/** Three days after the purchase; a day later Stripe says once more that the subscription is active. */
async function firstDebitFails(life: Life): Promise<void> {
  const subscription = await buys(life, { card: 'sepaFails' });
  await passes(life, 3 * DAY);
  await passes(life, DAY);
  await life.stripe.subscriptions.update(subscription, { metadata: { seen: 'yes' } });
  await passes(life, DAY);
}

type Purchase = {
  plan?: 'mensuel' | 'annuel';
  card?: string;
  trialDays?: number;
  /** No card is asked for; what becomes of the trial then. */
  withoutCard?: 'cancel' | 'pause';
  /** Life goes on before the service hears of it. */
  silent?: boolean;
};

/** Buys as our own checkout has people buy. @returns the subscription's id */
async function buys(life: Life, purchase: Purchase = {}): Promise<string> {
  const { stripe, sandbox, userId, customer, email } = life;
  const { plan = 'mensuel', card, trialDays, withoutCard, silent = false } = purchase;
  const metadata = { user_id: String(userId), plan_type: plan };
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: plan === 'mensuel' ? PRICE_MENSUEL : PRICE_ANNUEL, quantity: 1 }],
    success_url: 'https://matcha.example/merci',
    customer,
    client_reference_id: String(userId),
    metadata,
    subscription_data: {
      metadata,
      ...(trialDays === undefined ? {} : { trial_period_days: trialDays }),
      ...(withoutCard === undefined
        ? {}
        : { trial_settings: { end_behavior: { missing_payment_method: withoutCard } } }),
    },
    ...(withoutCard === undefined ? {} : { payment_method_collection: 'if_required' }),
  });
  const { session: paid, outcome } = sandbox.completeCheckout({
    session: session.id,
    email,
    authenticate: true,
    ...(card === undefined ? {} : { card }),
  });
  if (outcome !== 'complete') throw new Error(`The purchase ended as ${outcome}`);
  if (!silent) await life.told();
  return String(paid.subscription);
}

async function passes(life: Life, seconds: number): Promise<void> {
  await life.sandbox.advance(seconds);
  await life.told();
}

/** To the second in which the period ends; a renewal's draft is made then. */
async function reachesEnd(life: Life, subscription: string): Promise<void> {
  const { items } = await life.stripe.subscriptions.retrieve(subscription);
  const end = items.data[0]?.current_period_end ?? 0;
  // In steps shorter than what Stripe announces in between, so that the service hears of each in its time.
  for (let left = end - life.sandbox.now; left > 0; left = end - life.sandbox.now) {
    await passes(life, left > SWEPT_BEFORE ? Math.min(8 * DAY, left - SWEPT_BEFORE) : left);
  }
}

async function renews(life: Life, subscription: string): Promise<void> {
  await reachesEnd(life, subscription);
  await passes(life, HOUR);
}

async function latestInvoice(life: Life, subscription: string): Promise<string> {
  const { latest_invoice: invoice } = await life.stripe.subscriptions.retrieve(subscription);
  return typeof invoice === 'string' ? invoice : (invoice?.id ?? '');
}

async function isDisputed(life: Life, outcome: 'won' | 'lost'): Promise<void> {
  const subscription = await buys(life);
  await passes(life, 5 * DAY);
  const dispute = life.sandbox.openDispute({ of: subscription });
  await passes(life, 5 * DAY);
  life.sandbox.closeDispute({ dispute: dispute.id, outcome });
  await life.told();
}
