import type { z } from 'zod';
import { cancelSubscription } from '../billing/canceling.ts';
import { findCard, type TestCard } from '../billing/cards.ts';
import {
  authenticateCheckout,
  type CheckoutResult,
  expireSession,
  settleCheckout,
  submitCheckout,
} from '../billing/checkout.ts';
import {
  authenticateInvoice,
  type CollectResult,
  collect,
  intentOf,
  invoicePaidBy,
  settleInvoice,
} from '../billing/collecting.ts';
import { changeCard, changePlan } from '../billing/customer-choices.ts';
import { deleteCustomer } from '../billing/customers.ts';
import { closeDispute, openDispute } from '../billing/disputing.ts';
import { authenticateIntent } from '../billing/intents.ts';
import { attach, createPaymentMethod, setDefaultCard } from '../billing/payment-methods.ts';
import { failRefund, refundCharge } from '../billing/refunding.ts';
import { subscribe } from '../billing/subscribing.ts';
import { DEFAULT_TRIAL_SETTINGS } from '../billing/subscription-object.ts';
import { cancelFromPortal, keepGoing } from '../billing/updating.ts';
import { DAY } from '../config.ts';
import type { Deliveries } from '../deliveries/deliveries.ts';
import { ApiError } from '../http/errors.ts';
import type { Faults } from '../http/faults.ts';
import {
  findCharge,
  findCustomer,
  findIntent,
  findInvoice,
  findPrice,
  findSession,
  findSubscription,
  found,
} from '../resources/find.ts';
import { snapshot } from '../state/snapshot.ts';
import type {
  StoredCharge,
  StoredDispute,
  StoredInvoice,
  StoredPaymentMethod,
  StoredRefund,
  StoredSession,
  StoredSubscription,
} from '../state/tables.ts';
import type { World } from '../world.ts';
import type * as schemas from './schemas.ts';

type Given<S extends z.ZodType> = z.output<S>;

/** What came of a Checkout Session that somebody tried to pay. */
export interface CheckoutOutcome {
  outcome: CheckoutResult['outcome'];
  /** Why it was refused or is invalid. */
  message: string | null;
  /** The decline code, when the payment was refused. */
  code: string | null;
  session: StoredSession;
}

/** What customers, their banks and the people at the dashboard do. Everything here happens at once. */
export class Control {
  readonly #world: World;
  readonly deliveries: Deliveries;
  readonly faults: Faults;

  constructor(world: World, deliveries: Deliveries, faults: Faults) {
    this.#world = world;
    this.deliveries = deliveries;
    this.faults = faults;
  }

  /** The sandbox's time, in Unix seconds. */
  get now(): number {
    return this.#world.clock.now;
  }

  /** Moves the clock by seconds; what is due on the way happens in order. */
  advance(seconds: number): Promise<void> {
    return this.#world.clock.advance(seconds);
  }

  /** Moves the clock to a Unix time in seconds. */
  advanceTo(time: number): Promise<void> {
    return this.#world.clock.advanceTo(time);
  }

  /** Fills in a Checkout page without a browser. */
  completeCheckout(given: Given<typeof schemas.completeCheckout>): CheckoutOutcome {
    const session = findSession(this.#world, given.session);
    const email = given.email ?? 'client@example.com';
    let result = submitCheckout(this.#world, session, {
      card: cardNamed(given.card ?? 'succeeds'),
      email,
      promo: given.promo,
    });
    if (result.outcome === 'requires_action' && given.authenticate !== undefined) {
      result = authenticateCheckout(this.#world, session, given.authenticate);
    }
    return outcomeOf(result, session);
  }

  /** The holder authorises or refuses a payment that waits for them. */
  authenticate({ id, accept }: Given<typeof schemas.authenticate>): { outcome: string } {
    if (id.startsWith('cs_')) {
      return { outcome: authenticateCheckout(this.#world, findSession(this.#world, id), accept).outcome };
    }
    if (id.startsWith('in_')) {
      return { outcome: authenticateInvoice(this.#world, findInvoice(this.#world, id), accept) };
    }
    const intent = findIntent(this.#world, id);
    const session = this.#world.tables.sessions.find(
      (each) => this.#world.tables.sessionPlans.get(each.id)?.paymentIntent === id,
    );
    if (session?.status === 'open')
      return { outcome: authenticateCheckout(this.#world, session, accept).outcome };
    const invoice = invoicePaidBy(this.#world, intent);
    if (invoice) return { outcome: authenticateInvoice(this.#world, invoice, accept) };
    return { outcome: authenticateIntent(this.#world, intent, accept) };
  }

  /** The bank reports on a delayed payment: a session's, or any invoice's. */
  settlePayment(given: Given<typeof schemas.settlePayment>): StoredSession | StoredInvoice {
    if ('session' in given) {
      const session = findSession(this.#world, given.session);
      settleCheckout(this.#world, session, given.succeeds);
      return snapshot(session);
    }
    const invoice = findInvoice(this.#world, given.invoice);
    const session = this.#world.tables.sessions.find((each) => each.invoice === invoice.id);
    if (session?.payment_status === 'unpaid') settleCheckout(this.#world, session, given.succeeds);
    else settleInvoice(this.#world, invoice, given.succeeds);
    return snapshot(invoice);
  }

  /** Drafts of renewals wait this long from now on, as with a setting of the account or an endpoint that errs. */
  holdDrafts({ seconds }: Given<typeof schemas.holdDrafts>): void {
    this.#world.finalizationDelaySeconds = seconds ?? this.#world.config.billing.finalizationDelaySeconds;
  }

  /** A subscription's next renewal finds no address to tax. */
  loseTaxAddress({ subscription, outcome }: Given<typeof schemas.loseTaxAddress>): StoredSubscription {
    const found = findSubscription(this.#world, subscription);
    this.#world.tables.taxTroubles.set(found.id, outcome);
    return snapshot(found);
  }

  expireCheckout({ session }: Given<typeof schemas.expireCheckout>): StoredSession {
    const found = findSession(this.#world, session);
    expireSession(this.#world, found);
    return snapshot(found);
  }

  /** Gives a customer another card, also for the subscriptions that had their own. */
  setCard({ customer, card }: Given<typeof schemas.setCard>): StoredPaymentMethod {
    return changeCard(this.#world, findCustomer(this.#world, customer), cardNamed(card));
  }

  /** A subscription made by hand at the dashboard. */
  createSubscription(given: Given<typeof schemas.createSubscription>): StoredSubscription {
    const customer = findCustomer(this.#world, given.customer);
    if (given.card) setDefaultCard(this.#world, customer, cardNamed(given.card));
    const subscription = subscribe(
      this.#world,
      {
        customer: customer.id,
        items: [{ price: findPrice(this.#world, given.price), quantity: given.quantity ?? 1 }],
        metadata: given.metadata ?? {},
        description: null,
        billingMode: given.billingMode ?? this.#world.config.billing.billingMode,
        trialEnd: given.trialDays ? this.now + given.trialDays * DAY : null,
        trialSettings: given.missingPaymentMethod
          ? {
              end_behavior: {
                billing_cycle_anchor: null,
                missing_payment_method: given.missingPaymentMethod,
              },
            }
          : DEFAULT_TRIAL_SETTINGS,
        taxed: false,
        defaultPaymentMethod: null,
      },
      null,
      'allow_incomplete',
    );
    return snapshot(subscription);
  }

  /** Ends a subscription now, as the dashboard's button does. */
  cancelNow({ subscription }: Given<typeof schemas.subscription>): StoredSubscription {
    const found = findSubscription(this.#world, subscription);
    cancelSubscription(this.#world, found, 'cancellation_requested');
    return snapshot(found);
  }

  /** What the portal's button does. */
  cancelAtPeriodEnd({ subscription }: Given<typeof schemas.subscription>): StoredSubscription {
    const found = findSubscription(this.#world, subscription);
    cancelFromPortal(this.#world, found);
    return snapshot(found);
  }

  /** Takes back a scheduled cancellation. */
  resume({ subscription }: Given<typeof schemas.subscription>): StoredSubscription {
    const found = findSubscription(this.#world, subscription);
    keepGoing(this.#world, found);
    return snapshot(found);
  }

  /** Moves a subscription to another price, as the portal does. */
  changePlan({ subscription, price, proration }: Given<typeof schemas.changePlan>): StoredSubscription {
    const found = findSubscription(this.#world, subscription);
    changePlan(this.#world, found, findPrice(this.#world, price), proration ?? 'create_prorations');
    return snapshot(found);
  }

  /** The customer pays an open invoice on its page. */
  payInvoice({ invoice, card }: Given<typeof schemas.payInvoice>): {
    outcome: CollectResult;
    invoice: StoredInvoice;
  } {
    const found = findInvoice(this.#world, invoice);
    const method = card ? createPaymentMethod(this.#world, cardNamed(card), found.customer_email) : undefined;
    if (method) attach(this.#world, method, found.customer);
    return { outcome: collect(this.#world, found, 'present', method), invoice: snapshot(found) };
  }

  refund(given: Given<typeof schemas.refund>): StoredRefund {
    const { amount, reason } = given;
    return snapshot(refundCharge(this.#world, chargeFor(this.#world, given.of), { amount, reason }));
  }

  /** A refund that had succeeded fails after all. */
  failRefund({ refund }: Given<typeof schemas.failRefund>): StoredRefund {
    const failed = found(this.#world.tables.refunds.get(refund), 'refund', refund);
    failRefund(this.#world, failed);
    return snapshot(failed);
  }

  openDispute(given: Given<typeof schemas.openDispute>): StoredDispute {
    return snapshot(openDispute(this.#world, chargeFor(this.#world, given.of), given));
  }

  closeDispute({ dispute, outcome }: Given<typeof schemas.closeDispute>): StoredDispute {
    const closed = found(this.#world.tables.disputes.get(dispute), 'dispute', dispute);
    closeDispute(this.#world, closed, outcome);
    return snapshot(closed);
  }

  deleteCustomer({ customer }: Given<typeof schemas.customer>): void {
    deleteCustomer(this.#world, findCustomer(this.#world, customer));
  }
}

/** A card by number or name. */
export function cardNamed(name: string): TestCard {
  const card = findCard(name);
  if (!card) throw ApiError.invalid(`Unknown card: ${name}. See CARDS in sandbox/billing/cards.ts.`, 'card');
  return card;
}

function chargeFor(world: World, id: string): StoredCharge {
  if (id.startsWith('ch_')) return findCharge(world, id);
  if (id.startsWith('sub_')) return chargeFor(world, findSubscription(world, id).latest_invoice ?? '');
  const intent = id.startsWith('in_') ? intentOf(world, findInvoice(world, id)) : findIntent(world, id);
  if (!intent?.latest_charge) throw ApiError.invalid(`${id} has no charge.`, 'of');
  return world.tables.charges.must(intent.latest_charge);
}

function outcomeOf(result: CheckoutResult, session: StoredSession): CheckoutOutcome {
  return {
    outcome: result.outcome,
    message: 'message' in result ? result.message : null,
    code: 'code' in result ? result.code : null,
    session: snapshot(session),
  };
}
