import { emit } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import type {
  SessionPlan,
  StoredCustomer,
  StoredEvent,
  StoredPaymentIntent,
  StoredPaymentMethod,
  StoredSession,
} from '../state/tables.ts';
import type { World } from '../world.ts';
import { discountPerLine, taxBehaviorOf, taxOn } from './amounts.ts';
import type { TestCard } from './cards.ts';
import { settleInvoice } from './collecting.ts';
import { createCustomer } from './customers.ts';
import { findPromotionCode } from './discounts.ts';
import { authenticateIntent, confirmIntent, createIntent, type IntentResult } from './intents.ts';
import { creditFor } from './invoices.ts';
import { attach, createPaymentMethod } from './payment-methods.ts';
import { confirmSetup } from './setups.ts';
import { subscribeFromCheckout } from './subscribing.ts';

/** What the customer typed on the page. */
export interface CheckoutForm {
  card: TestCard | null;
  email?: string | undefined;
  promo?: string | undefined;
}

export type CheckoutResult =
  | { outcome: 'complete'; event: StoredEvent }
  | { outcome: 'declined'; code: string; message: string }
  | { outcome: 'requires_action'; url: string }
  /** Something on the form is wrong; nothing was tried. */
  | { outcome: 'invalid'; message: string };

export interface Totals {
  /** All in minor units. */
  subtotal: number;
  discount: number;
  tax: number;
  /** What is due today. */
  total: number;
}

/** What a session costs today; nothing while a trial runs. */
export function totalsOf(world: World, plan: SessionPlan): Totals {
  const hasTrial = plan.trialEnd !== null || plan.trialSeconds !== null;
  const amounts = plan.items.map(({ price, quantity }) =>
    hasTrial ? 0 : (price.unit_amount ?? 0) * quantity,
  );
  const subtotal = sum(amounts);
  const coupon = plan.discount ? world.tables.coupons.must(plan.discount.coupon) : null;
  const off = coupon ? discountPerLine(amounts, coupon) : amounts.map(() => 0);
  const taxes = plan.items.map(({ price }, index) =>
    taxOn(
      (amounts[index] ?? 0) - (off[index] ?? 0),
      plan.taxed ? world.config.billing.taxPercent : 0,
      taxBehaviorOf(price),
    ),
  );
  const added = sum(taxes.filter((tax) => tax.behavior === 'exclusive').map((tax) => tax.amount));
  const discount = sum(off);
  return { subtotal, discount, tax: sum(taxes.map((tax) => tax.amount)), total: subtotal - discount + added };
}

/** What a session's customer has to pay today: a credit that they have is used up first. */
export function dueOf(world: World, session: StoredSession, plan: SessionPlan): number {
  const { total } = totalsOf(world, plan);
  const customer = world.tables.customers.get(session.customer ?? plan.customer ?? '');
  return customer ? total - creditFor(customer, total) : total;
}

/** Writes the totals of its plan on a session. */
export function showTotals(world: World, session: StoredSession, plan: SessionPlan): void {
  const totals = totalsOf(world, plan);
  session.amount_subtotal = totals.subtotal;
  session.amount_total = totals.total;
  session.total_details = { amount_discount: totals.discount, amount_shipping: 0, amount_tax: totals.tax };
  session.discounts = plan.discount
    ? [
        {
          coupon: plan.discount.promotionCode ? null : plan.discount.coupon,
          promotion_code: plan.discount.promotionCode,
        },
      ]
    : [];
}

/** Whether the customer has to give a payment method. */
export function needsCard(world: World, session: StoredSession, plan: SessionPlan): boolean {
  return session.payment_method_collection === 'always' || dueOf(world, session, plan) > 0;
}

/** The customer presses “Payer”. A refused payment leaves the session open for another try. */
export function submitCheckout(world: World, session: StoredSession, form: CheckoutForm): CheckoutResult {
  const plan = planOf(world, session);
  if (session.status !== 'open')
    throw ApiError.invalid(`This Checkout Session is ${session.status}.`, 'session');
  plan.lastError = null;
  const problem = readForm(world, session, plan, form);
  if (problem) return { outcome: 'invalid', message: problem };
  const customer = isAnonymous(session) ? null : customerOf(world, session, plan);
  const card = needsCard(world, session, plan) ? form.card : null;
  const method = card ? createPaymentMethod(world, card, plan.email) : null;
  if (session.mode === 'setup' && method) return saveCard(world, session, plan, customer, method);
  const due = dueOf(world, session, plan);
  if (due === 0 || !method) return completeWithoutPayment(world, session, plan, customer, method);
  const intent = intentFor(world, session, plan, customer, due);
  return afterAttempt(world, session, plan, intent, confirmIntent(world, intent, method, 'present'));
}

/** The customer answers their bank's question. */
export function authenticateCheckout(
  world: World,
  session: StoredSession,
  accepted: boolean,
): CheckoutResult {
  const plan = planOf(world, session);
  const intent = plan.paymentIntent ? world.tables.paymentIntents.must(plan.paymentIntent) : null;
  if (session.status !== 'open' || intent?.status !== 'requires_action') {
    throw ApiError.invalid('This Checkout Session waits for no authentication.', 'session');
  }
  return afterAttempt(world, session, plan, intent, authenticateIntent(world, intent, accepted));
}

/** The session nobody completed in time. */
export function expireSession(world: World, session: StoredSession): void {
  if (session.status !== 'open') return;
  world.agenda.cancel(`expire:${session.id}`);
  session.status = 'expired';
  session.url = null;
  emit(world, 'checkout.session.expired', session);
}

/** The bank reports on a session's delayed payment; `succeeds` overrides what the method is known for. */
export function settleCheckout(world: World, session: StoredSession, succeeds?: boolean): void {
  if (session.payment_status !== 'unpaid' || !session.invoice) return;
  const result = settleInvoice(world, world.tables.invoices.must(session.invoice), succeeds);
  if (result === 'paid') {
    session.payment_status = 'paid';
    emit(world, 'checkout.session.async_payment_succeeded', session);
  } else {
    emit(world, 'checkout.session.async_payment_failed', session);
  }
}

/** The hidden half of a session. */
export function planOf(world: World, session: StoredSession): SessionPlan {
  const plan = world.tables.sessionPlans.get(session.id);
  if (!plan) throw new Error(`${session.id} has no plan`);
  return plan;
}

/**
 * Takes a promotion code that the customer typed.
 * @returns why it is refused, for the page, or null
 */
export function applyPromotion(world: World, session: StoredSession, code: string): string | null {
  const plan = planOf(world, session);
  const promotion = session.allow_promotion_codes ? findPromotionCode(world, code) : undefined;
  if (!promotion) return `Le code promo « ${code} » n'est pas valable.`;
  plan.discount = { coupon: promotion.promotion.coupon, promotionCode: promotion.id };
  showTotals(world, session, plan);
  return null;
}

function readForm(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  form: CheckoutForm,
): string | null {
  const refusal = form.promo ? applyPromotion(world, session, form.promo) : null;
  if (refusal) return refusal;
  if (!session.customer) {
    const email = session.customer_email ?? form.email?.trim() ?? '';
    if (!/^[^\s@]+@[^\s@]+$/.test(email)) return 'Indiquez une adresse e-mail valable.';
    plan.email = email;
  }
  if (!form.card && needsCard(world, session, plan)) return 'Choisissez un moyen de paiement.';
  return null;
}

// A guest becomes a customer with the first attempt; the session shows it only once it is complete.
/** Who pays once leaves no customer behind, unless the shop wants one. */
function isAnonymous({ customer, customer_creation: creation }: StoredSession): boolean {
  return customer === null && creation === 'if_required';
}

/** A session in setup mode: a card for later, and nothing is bought. */
function saveCard(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  customer: StoredCustomer | null,
  method: StoredPaymentMethod,
): CheckoutResult {
  const setup = confirmSetup(world, customer?.id ?? null, method);
  setup.metadata = { ...plan.intentMetadata };
  if (setup.status !== 'succeeded') return declined(plan, setup.last_setup_error);
  if (customer) attach(world, method, customer.id);
  session.setup_intent = setup.id;
  return finish(world, session, plan, customer);
}

function customerOf(world: World, session: StoredSession, plan: SessionPlan): StoredCustomer {
  const id = session.customer ?? plan.customer;
  if (id) return world.tables.customers.must(id);
  const customer = createCustomer(world, { email: plan.email });
  plan.customer = customer.id;
  return customer;
}

function intentFor(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  customer: StoredCustomer | null,
  amount: number,
): StoredPaymentIntent {
  const open = plan.paymentIntent ? world.tables.paymentIntents.must(plan.paymentIntent) : null;
  if (open && open.status !== 'canceled') {
    open.amount = amount;
    return open;
  }
  const currency = session.currency ?? 'eur';
  const description = session.mode === 'subscription' ? 'Subscription creation' : null;
  const metadata = { ...plan.intentMetadata };
  const intent = createIntent(world, {
    amount,
    currency,
    customer: customer?.id ?? null,
    description,
    metadata,
  });
  plan.paymentIntent = intent.id;
  return intent;
}

function afterAttempt(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  intent: StoredPaymentIntent,
  result: IntentResult,
): CheckoutResult {
  const error = intent.last_payment_error;
  if (result === 'failed') {
    return declined(plan, error);
  }
  if (result === 'requires_action') {
    return { outcome: 'requires_action', url: intent.next_action?.redirect_to_url?.url ?? '' };
  }
  const method = intent.payment_method ? world.tables.paymentMethods.must(intent.payment_method) : null;
  return complete(world, session, plan, method, intent);
}

function completeWithoutPayment(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  customer: StoredCustomer | null,
  method: StoredPaymentMethod | null,
): CheckoutResult {
  if (!method || !customer) return complete(world, session, plan, null, null);
  const setup = confirmSetup(world, customer.id, method);
  if (setup.status === 'succeeded') return complete(world, session, plan, method, null);
  return declined(plan, setup.last_setup_error);
}

function declined(
  plan: SessionPlan,
  error: { code?: string; decline_code?: string; message?: string } | null,
): CheckoutResult {
  const code = error?.decline_code ?? error?.code ?? 'card_declined';
  plan.lastError = { code, message: error?.message ?? 'Your card was declined.' };
  return { outcome: 'declined', ...plan.lastError };
}

function complete(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  method: StoredPaymentMethod | null,
  intent: StoredPaymentIntent | null,
): CheckoutResult {
  if (session.mode !== 'subscription') {
    const payer = isAnonymous(session) ? null : customerOf(world, session, plan);
    session.payment_intent = intent?.id ?? null;
    return finish(world, session, plan, payer, intent);
  }
  const customer = customerOf(world, session, plan);
  if (method) attach(world, method, customer.id);
  const { subscription, invoice } = subscribeFromCheckout(
    world,
    {
      customer: customer.id,
      items: plan.items,
      metadata: { ...plan.subscriptionMetadata },
      description: plan.subscriptionDescription,
      billingMode: plan.billingMode,
      trialEnd: plan.trialEnd ?? (plan.trialSeconds === null ? null : world.clock.now + plan.trialSeconds),
      trialSettings: plan.trialSettings,
      taxed: plan.taxed,
      defaultPaymentMethod: method?.id ?? null,
    },
    plan.discount,
    { session: session.id, intent },
  );
  session.subscription = subscription.id;
  session.invoice = invoice.id;
  const result = finish(world, session, plan, customer, intent);
  if (session.payment_status === 'unpaid') {
    const at = world.clock.now + world.config.billing.delayedPaymentSeconds;
    world.agenda.set(`settle:${invoice.id}`, at, () => settleCheckout(world, session));
  }
  return result;
}

function finish(
  world: World,
  session: StoredSession,
  plan: SessionPlan,
  customer: StoredCustomer | null,
  intent: StoredPaymentIntent | null = null,
): CheckoutResult {
  world.agenda.cancel(`expire:${session.id}`);
  session.status = 'complete';
  session.url = null;
  session.customer = customer?.id ?? null;
  session.customer_details = {
    address: customer?.address ?? null,
    business_name: null,
    email: customer?.email ?? plan.email,
    individual_name: null,
    name: customer?.name ?? null,
    phone: customer?.phone ?? null,
    tax_exempt: 'none',
    tax_ids: [],
  };
  session.payment_status =
    intent === null ? 'no_payment_required' : intent.status === 'processing' ? 'unpaid' : 'paid';
  return { outcome: 'complete', event: emit(world, 'checkout.session.completed', session) };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
