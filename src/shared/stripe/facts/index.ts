export {
  type CheckoutSessionFacts,
  type CustomerFacts,
  type EventFacts,
  readCheckoutSession,
  readCustomer,
  readEvent,
} from './checkout.ts';
export { type InvoiceFacts, readInvoice } from './invoice.ts';
export {
  type ChargeFacts,
  type DisputeFacts,
  type IntentFacts,
  type InvoicePaymentFacts,
  type RefundFacts,
  readCharge,
  readDispute,
  readIntent,
  readInvoicePayment,
  readRefund,
} from './payment.ts';
export { isEndedStatus, readSubscription, type SubscriptionFacts } from './subscription.ts';
