export { createStripe, type StripeConfig } from './client.ts';
export { isMissingAtStripe, MissingAtStripe } from './missing.ts';
export {
  isEmailRefused,
  isOtherCurrency,
  isRefusedByStripe,
  isTemporaryAtStripe,
} from './refusals.ts';
export { withoutSchedule } from './schedules.ts';
export { blocksPurchase, toSubscriptionStatus } from './status.ts';
export { type Closed, closeUnpaid, isDebitUnderWay, unpaidInvoicesOf } from './unpaid.ts';
