import { isOver } from '../billing/canceling.ts';
import { ApiError } from '../http/errors.ts';
import type { World } from '../world.ts';

/**
 * A customer who has something running in one currency cannot buy in another.
 * @throws {ApiError} 400, with no code, as Stripe
 */
export function refuseOtherCurrency(world: World, customer: string, currency: string): void {
  const { tables } = world;
  const held =
    tables.subscriptions.find((each) => each.customer === customer && !isOver(each))?.currency ??
    tables.invoiceItems.find((each) => each.customer === customer && each.invoice === null)?.currency;
  if (held === undefined || held === currency) return;
  throw ApiError.invalid(
    `You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency ${held}`,
  );
}
