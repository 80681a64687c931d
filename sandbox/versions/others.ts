import type Stripe from 'stripe';
import { listOf } from '../http/lists.ts';
import { snapshot } from '../state/snapshot.ts';
import type { World } from '../world.ts';
import type { OldEra } from './eras.ts';

/** Before 2020-08-27 customers came with their lists. */
export function oldCustomer(customer: Stripe.Customer, era: OldEra): object {
  if (era !== 'A') return customer;
  const base = `/v1/customers/${customer.id}`;
  return {
    ...customer,
    sources: listOf(`${base}/sources`, []),
    subscriptions: listOf(`${base}/subscriptions`, []),
    tax_ids: listOf(`${base}/tax_ids`, []),
  };
}

/** Before clover a discount held its coupon. */
export function oldDiscount(world: World, discount: Stripe.Discount): object {
  const { source, ...rest } = discount;
  return { ...rest, coupon: snapshot(world.tables.coupons.get(String(source.coupon)) ?? null) };
}

/** The one discount that older objects had room for. */
export function firstDiscount(world: World, ids: (string | object)[]): object | null {
  const [id] = ids;
  const discount = typeof id === 'string' ? world.tables.discounts.get(id) : undefined;
  return discount ? oldDiscount(world, snapshot(discount)) : null;
}

/** Sessions had other names for the page's mode, and the oldest listed what was bought. */
export function oldSession(world: World, session: Stripe.Checkout.Session, era: OldEra): object {
  const old = { ...session, ui_mode: 'hosted', shipping_details: null };
  if (era !== 'A') return old;
  const plan = world.tables.sessionPlans.get(session.id);
  const items = (plan?.items ?? []).map(({ price, quantity }) => ({
    amount: price.unit_amount,
    currency: price.currency,
    price: snapshot(price),
    quantity,
    type: 'plan',
  }));
  return { ...old, display_items: items };
}
