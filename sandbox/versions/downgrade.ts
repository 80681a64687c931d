import type Stripe from 'stripe';
import type { World } from '../world.ts';
import type { OldEra } from './eras.ts';
import { oldInvoice } from './invoice.ts';
import { oldCustomer, oldDiscount, oldSession } from './others.ts';
import { oldCharge, oldIntent } from './payment.ts';
import { oldSubscription } from './subscription.ts';

/**
 * An object of the newest shape as an older version renders it. Like Stripe, fields that are merely new stay:
 * only what was removed comes back, and only what was renamed or restructured goes.
 */
export function downgrade(world: World, object: object, era: OldEra): object {
  switch ('object' in object ? object.object : null) {
    case 'subscription':
      return oldSubscription(world, object as Stripe.Subscription);
    case 'invoice':
      return oldInvoice(world, object as Stripe.Invoice);
    case 'payment_intent':
      return oldIntent(world, object as Stripe.PaymentIntent, era);
    case 'charge':
      return oldCharge(world, object as Stripe.Charge, era);
    case 'customer':
      return oldCustomer(object as Stripe.Customer, era);
    case 'discount':
      return oldDiscount(world, object as Stripe.Discount);
    case 'checkout.session':
      return oldSession(world, object as Stripe.Checkout.Session, era);
    default:
      return object;
  }
}
