export { createStripe, type StripeConfig } from './client.ts';
export { blocksPurchase, toSubscriptionStatus } from './status.ts';
