export { createStripe, type StripeConfig } from './client.ts';
export { isMissingAtStripe, MissingAtStripe, modeOfMissing } from './missing.ts';
export { noteMode } from './note-mode.ts';
export { MARK, type SessionMarks, sessionMarksOf } from './session-marks.ts';
export { blocksPurchase, toSubscriptionStatus } from './status.ts';
