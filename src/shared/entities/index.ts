export { CheckoutSession, type CheckoutSessionStatus } from './checkout-session.ts';
export { Customer } from './customer.ts';
export { InvoicePayment } from './invoice-payment.ts';
export { MaintenanceState } from './maintenance-state.ts';
export { OutboxMessage } from './outbox-message.ts';
export { Payment, type PaymentStatus } from './payment.ts';
export { type PlanType, Subscription, type SubscriptionStatus } from './subscription.ts';
export { User } from './user.ts';
export { type EventOutcome, WebhookEvent } from './webhook-event.ts';
