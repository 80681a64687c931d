export { type Checkout, type CheckoutLink, createCheckout } from './checkout.ts';
export { liveSubscriptionsAtStripe } from './live-subscriptions.ts';
export { createUserLock } from './user-lock.ts';
