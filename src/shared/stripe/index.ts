export { createStripe, type StripeConfig } from './client.ts';
export { isMissingAtStripe, MissingAtStripe, modeOfMissing } from './missing.ts';
export { noteMode } from './note-mode.ts';
export {
  isEmailRefused,
  isOtherCurrency,
  isRefusedByStripe,
  isTemporaryAtStripe,
} from './refusals.ts';
export { withoutSchedule } from './schedules.ts';
export { MARK, type SessionMarks, sessionMarksOf } from './session-marks.ts';
export { blocksPurchase, toSubscriptionStatus } from './status.ts';
export { type Closed, closeUnpaid, isDebitUnderWay, unpaidInvoicesOf, voidUnpaid } from './unpaid.ts';
