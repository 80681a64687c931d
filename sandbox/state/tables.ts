import type Stripe from 'stripe';
import type { TestCard } from '../billing/cards.ts';
import { Table } from './table.ts';

/** A Stripe type whose expandable fields are never expanded in storage. */
type Stored<T, Narrower> = Omit<T, keyof Narrower> & Narrower;

export type StoredCustomer = Stored<
  Stripe.Customer,
  {
    invoice_settings: Omit<Stripe.Customer.InvoiceSettings, 'default_payment_method'> & {
      default_payment_method: string | null;
    };
  }
>;
export type StoredPrice = Stored<Stripe.Price, { product: string }>;
export type StoredPaymentMethod = Stored<Stripe.PaymentMethod, { customer: string | null }>;
export type StoredSubscription = Stored<
  Stripe.Subscription,
  {
    customer: string;
    latest_invoice: string | null;
    default_payment_method: string | null;
    discounts: string[];
    pending_setup_intent: string | null;
    schedule: string | null;
  }
>;
export type StoredSchedule = Stored<
  Stripe.SubscriptionSchedule,
  { customer: string; subscription: string | null }
>;
export type StoredInvoice = Stored<
  Stripe.Invoice,
  { customer: string; discounts: string[]; default_payment_method: string | null }
>;
export type StoredPaymentIntent = Stored<
  Stripe.PaymentIntent,
  { customer: string | null; latest_charge: string | null; payment_method: string | null }
>;
export type StoredCharge = Stored<
  Stripe.Charge,
  { customer: string | null; payment_intent: string | null; balance_transaction: string | null }
>;
export type StoredRefund = Stored<Stripe.Refund, { charge: string; payment_intent: string | null }>;
export type StoredDispute = Stored<Stripe.Dispute, { charge: string; payment_intent: string | null }>;
export type StoredCreditNote = Stored<Stripe.CreditNote, { customer: string; invoice: string }>;
export type StoredSession = Stored<
  Stripe.Checkout.Session,
  {
    customer: string | null;
    subscription: string | null;
    invoice: string | null;
    payment_intent: string | null;
    setup_intent: string | null;
  }
>;
export type StoredDiscount = Stored<
  Stripe.Discount,
  { customer: string | null; promotion_code: string | null; source: { coupon: string; type: 'coupon' } }
>;
export type StoredPromotionCode = Stored<
  Stripe.PromotionCode,
  { customer: string | null; promotion: { coupon: string; type: 'coupon' } }
>;
export type StoredInvoicePayment = Stored<
  Stripe.InvoicePayment,
  { invoice: string; payment: { type: 'payment_intent'; payment_intent: string } }
>;
export type StoredInvoiceItem = Stored<Stripe.InvoiceItem, { customer: string; invoice: string | null }>;
export type StoredSetupIntent = Stored<Stripe.SetupIntent, { customer: string | null }>;

/** A renewal without an address to tax: the invoice is not finalised, or charged without tax from now on. */
export type TaxTrouble = 'fails_finalization' | 'switches_tax_off';

/** A paused subscription that is being resumed: what it becomes once somebody has tried to pay for it. */
export interface Resumption {
  invoice: string;
  /** Unix seconds. */
  anchor: number;
  period: { start: number; end: number };
  behavior: 'resume_on_payment_attempt' | 'resume_on_payment_success';
}

/** What a Checkout Session remembers but Stripe's API does not show. */
export interface SessionPlan {
  items: { price: StoredPrice; quantity: number }[];
  subscriptionMetadata: Stripe.Metadata;
  subscriptionDescription: string | null;
  /** Seconds, or null without a trial. */
  trialSeconds: number | null;
  trialEnd: number | null;
  trialSettings: Stripe.Subscription.TrialSettings;
  billingMode: 'flexible' | 'classic';
  taxed: boolean;
  discount: { coupon: string; promotionCode: string | null } | null;
  /** The customer and intent of the attempts so far; the session shows them only once it is complete. */
  customer: string | null;
  paymentIntent: string | null;
  email: string | null;
  /** Why the last attempt failed, for the page. */
  lastError: { code: string; message: string } | null;
}

export interface EventData {
  object: object;
  previous_attributes?: Record<string, unknown>;
}

/** A Stripe event as stored; `events/payload.ts` makes the JSON of it. */
export interface StoredEvent {
  id: string;
  type: Stripe.Event.Type;
  created: number;
  request: { id: string | null; idempotency_key: string | null } | null;
  pendingWebhooks: number;
  /** At least one delivery attempt has failed and none since has succeeded. */
  undelivered: boolean;
  /** The event's data by API version, rendered when the event happened. */
  data: Map<string, EventData>;
}

/** Everything the sandbox knows. */
export class Tables {
  readonly customers = new Table<StoredCustomer>();
  readonly products = new Table<Stripe.Product>();
  readonly prices = new Table<StoredPrice>();
  readonly coupons = new Table<Stripe.Coupon>();
  readonly promotionCodes = new Table<StoredPromotionCode>();
  readonly discounts = new Table<StoredDiscount>();
  readonly paymentMethods = new Table<StoredPaymentMethod>();
  readonly setupIntents = new Table<StoredSetupIntent>();
  readonly sessions = new Table<StoredSession>();
  readonly subscriptions = new Table<StoredSubscription>();
  readonly schedules = new Table<StoredSchedule>();
  readonly invoices = new Table<StoredInvoice>();
  readonly invoiceItems = new Table<StoredInvoiceItem>();
  readonly invoicePayments = new Table<StoredInvoicePayment>();
  readonly paymentIntents = new Table<StoredPaymentIntent>();
  readonly charges = new Table<StoredCharge>();
  readonly refunds = new Table<StoredRefund>();
  readonly disputes = new Table<StoredDispute>();
  readonly creditNotes = new Table<StoredCreditNote>();
  readonly balanceTransactions = new Table<Stripe.BalanceTransaction>();
  readonly portalSessions = new Table<Stripe.BillingPortal.Session>();
  readonly webhookEndpoints = new Table<Stripe.WebhookEndpoint>();
  readonly events = new Table<StoredEvent>();

  readonly deletedCustomers = new Set<string>();
  readonly sessionPlans = new Map<string, SessionPlan>();
  readonly cards = new Map<string, TestCard>();
  /** By subscription. */
  readonly resumptions = new Map<string, Resumption>();
  readonly endpointSecrets = new Map<string, string>();
  /** Trials (`sub_…:end`) whose end was announced, as changes of a subscription plan it anew. */
  readonly announcedTrials = new Set<string>();
  /** How each bank debit that is under way will end. */
  readonly debitOutcomes = new Map<string, 'succeeds' | 'fails'>();
  /** What automatic tax does at a subscription's next finalisation, for want of an address. */
  readonly taxTroubles = new Map<string, TaxTrouble>();
  /** How many failed attempts in a row each invoice's dunning has seen. */
  readonly dunningStep = new Map<string, number>();

  clear(): void {
    for (const part of Object.values(this)) {
      if (part instanceof Table || part instanceof Map || part instanceof Set) part.clear();
    }
  }

  /** How many objects there are of each kind. */
  counts(): Record<string, number> {
    const tables = Object.entries(this).filter(
      (entry): entry is [string, Table<{ id: string }>] => entry[1] instanceof Table,
    );
    return Object.fromEntries(tables.map(([name, table]) => [name, table.size]));
  }
}
