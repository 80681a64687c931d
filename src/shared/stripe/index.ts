export { createStripe, type StripeConfig } from './client.ts';
export { isMissingAtStripe, MissingAtStripe } from './missing.ts';
export { blocksPurchase, toSubscriptionStatus } from './status.ts';
