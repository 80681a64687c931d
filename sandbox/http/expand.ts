import { snapshot } from '../state/snapshot.ts';
import type { World } from '../world.ts';
import { ApiError } from './errors.ts';
import { listOf } from './lists.ts';

type Fields = Record<string, unknown>;

/** Stripe refuses deeper paths; the `data` of a list counts as a level. */
const MAX_DEPTH = 4;

/** Replaces ids by objects, and adds lists that are only sent when asked for, along `expand[]` paths. */
export function expand(world: World, result: object, paths: string[]): object {
  if (paths.length === 0) return result;
  const copy = snapshot(result) as Fields;
  for (const path of paths) {
    const keys = path.split('.');
    if (keys.length > MAX_DEPTH) {
      throw ApiError.invalid(
        `You cannot expand more than ${MAX_DEPTH} levels of a property. Property: ${path}`,
        'expand',
        'expand_depth',
      );
    }
    descend(world, copy, keys, path);
  }
  return copy;
}

function descend(world: World, at: unknown, keys: string[], path: string): void {
  const [key, ...rest] = keys;
  if (key === undefined || at === null) return;
  if (Array.isArray(at)) {
    for (const each of at) descend(world, each, keys, path);
    return;
  }
  if (typeof at !== 'object') throw cannotExpand(key, path);
  const fields = at as Fields;
  const value = fields[key] ?? includable(world, fields, key);
  if (value === undefined) throw cannotExpand(key, path);
  fields[key] = Array.isArray(value)
    ? value.map((each) => resolved(world, key, each))
    : resolved(world, key, value);
  descend(world, fields[key], rest, path);
}

function resolved(world: World, key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const found = lookup(world, key, value);
  return found === undefined ? value : snapshot(found);
}

/** The object that a field's id stands for; fields of one name always hold the same kind of id. */
function lookup(world: World, key: string, id: string): object | undefined {
  const { tables } = world;
  switch (key) {
    case 'customer':
      return tables.deletedCustomers.has(id)
        ? { id, object: 'customer', deleted: true }
        : tables.customers.get(id);
    case 'subscription':
      return tables.subscriptions.get(id);
    case 'schedule':
      return tables.schedules.get(id);
    case 'invoice':
    case 'latest_invoice':
      return tables.invoices.get(id);
    case 'payment_intent':
      return tables.paymentIntents.get(id);
    case 'charge':
    case 'latest_charge':
      return tables.charges.get(id);
    case 'payment_method':
    case 'default_payment_method':
      return tables.paymentMethods.get(id);
    case 'price':
    case 'default_price':
      return tables.prices.get(id);
    case 'product':
      return tables.products.get(id);
    case 'coupon':
      return tables.coupons.get(id);
    case 'promotion_code':
      return tables.promotionCodes.get(id);
    case 'discount':
    case 'discounts':
      return tables.discounts.get(id);
    case 'setup_intent':
    case 'pending_setup_intent':
      return tables.setupIntents.get(id);
    case 'balance_transaction':
      return tables.balanceTransactions.get(id);
    default:
      return undefined;
  }
}

/** What an object only carries when asked. */
function includable(world: World, fields: Fields, key: string): unknown {
  const { tables } = world;
  const id = String(fields.id);
  switch (`${String(fields.object)}.${key}`) {
    case 'invoice.payments':
      return listOf(
        `/v1/invoice_payments`,
        tables.invoicePayments.filter((payment) => payment.invoice === id).map(snapshot),
      );
    case 'invoice.confirmation_secret': {
      const payment = tables.invoicePayments.find((each) => each.invoice === id && each.is_default);
      const intent = payment && tables.paymentIntents.get(payment.payment.payment_intent);
      return intent?.client_secret ? { client_secret: intent.client_secret, type: 'payment_intent' } : null;
    }
    case 'charge.refunds':
      return listOf(
        `/v1/charges/${id}/refunds`,
        tables.refunds
          .filter((refund) => refund.charge === id)
          .reverse()
          .map(snapshot),
      );
    case 'checkout.session.line_items':
      return listOf(`/v1/checkout/sessions/${id}/line_items`, sessionLineItems(world, id));
    case 'customer.subscriptions':
      return listOf(
        `/v1/customers/${id}/subscriptions`,
        tables.subscriptions.filter((sub) => sub.customer === id && sub.status !== 'canceled').map(snapshot),
      );
    default:
      return fields[key] === null ? null : undefined;
  }
}

/** The lines of a Checkout Session as `line_items` shows them. */
export function sessionLineItems(world: World, sessionId: string): object[] {
  const plan = world.tables.sessionPlans.get(sessionId);
  const session = world.tables.sessions.get(sessionId);
  if (!plan || !session) return [];
  return plan.items.map(({ price, quantity }, index) => {
    const amount = (price.unit_amount ?? 0) * quantity;
    const discount = index === 0 ? (session.total_details?.amount_discount ?? 0) : 0;
    return {
      id: `li_${sessionId.slice(-20)}${index}`,
      object: 'item',
      adjustable_quantity: null,
      amount_discount: discount,
      amount_subtotal: amount,
      amount_tax: index === 0 ? (session.total_details?.amount_tax ?? 0) : 0,
      amount_total: amount - discount,
      currency: price.currency,
      description: world.tables.products.get(price.product)?.name ?? null,
      price: snapshot(price),
      quantity,
    };
  });
}

function cannotExpand(key: string, path: string): ApiError {
  return ApiError.invalid(
    `This property cannot be expanded (${key}). You may want to try expanding 'data.${key}' instead. Property: ${path}`,
    'expand',
  );
}
