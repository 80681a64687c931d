import { CheckoutSession, Customer, InvoicePayment, Payment, Subscription } from '../entities/index.ts';

/**
 * Our tables that a unit of work writes, those that others refer to first, and the property by which each one's new rows
 * are told apart.
 */
export const LEDGER_TABLES = {
  customers: { entity: Customer, key: 'stripeCustomerId' },
  subscriptions: { entity: Subscription, key: 'stripeSubscriptionId' },
  payments: { entity: Payment, key: 'stripePaymentIntentId' },
  links: { entity: InvoicePayment, key: 'stripePaymentIntentId' },
  sessions: { entity: CheckoutSession, key: 'stripeSessionId' },
} as const;
