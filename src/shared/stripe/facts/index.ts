export { type ChargeFacts, readCharge } from './charge.ts';
export { type CheckoutSessionFacts, readCheckoutSession } from './checkout-session.ts';
export { type CreditNoteFacts, readCreditNote } from './credit-note.ts';
export { type CustomerFacts, readCustomer } from './customer.ts';
export { type DisputeFacts, readDispute } from './dispute.ts';
export { type EventFacts, readEvent } from './event.ts';
export { type IntentFacts, readIntent } from './intent.ts';
export {
  type InvoiceFacts,
  type InvoiceLine,
  readInvoice,
  readInvoiceLines,
  servicePeriodOf,
} from './invoice.ts';
export { type InvoicePaymentFacts, readInvoicePayment } from './invoice-payment.ts';
export { type RefundFacts, readRefund } from './refund.ts';
export {
  isEndedStatus,
  ofItem,
  readSubscription,
  readSubscriptionItems,
  type SubscriptionFacts,
  type SubscriptionItemFacts,
} from './subscription.ts';
