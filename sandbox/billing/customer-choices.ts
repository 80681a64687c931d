import { update } from '../events/emit.ts';
import type {
  StoredCustomer,
  StoredInvoice,
  StoredPaymentMethod,
  StoredPrice,
  StoredSubscription,
} from '../state/tables.ts';
import type { World } from '../world.ts';
import type { TestCard } from './cards.ts';
import { changeItems, chargeDraft, type ProrationBehavior } from './changing.ts';
import { setDefaultCard } from './payment-methods.ts';
import { planAhead } from './renewing.ts';

/** Makes a card the default of a customer and of their subscriptions. */
export function changeCard(world: World, customer: StoredCustomer, card: TestCard): StoredPaymentMethod {
  const method = setDefaultCard(world, customer, card);
  for (const subscription of world.tables.subscriptions.filter((each) => each.customer === customer.id)) {
    if (subscription.default_payment_method === null || subscription.ended_at !== null) continue;
    update(world, 'customer.subscription.updated', subscription, (changed) => {
      changed.default_payment_method = method.id;
    });
  }
  return method;
}

/** Puts a subscription's first item on another price. */
export function changePlan(
  world: World,
  subscription: StoredSubscription,
  price: StoredPrice,
  proration: ProrationBehavior,
): void {
  const [item = null] = subscription.items.data;
  let draft: StoredInvoice | null = null;
  update(world, 'customer.subscription.updated', subscription, (changed) => {
    draft = changeItems(world, changed, [{ item, price, quantity: null, deleted: false }], proration);
  });
  if (draft) chargeDraft(world, draft);
  planAhead(world, subscription);
}
