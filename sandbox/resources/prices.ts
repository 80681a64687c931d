import { z } from 'zod';
import { decimalOf } from '../billing/decimal.ts';
import { emit } from '../events/emit.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { currency, flag, ignored, metadata, paging, text, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredPrice } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findPrice, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';
import { createProduct, productFields } from './products.ts';

const create = z.strictObject({
  active: flag.optional(),
  billing_scheme: ignored.optional(),
  currency,
  lookup_key: text.optional(),
  metadata: metadata.optional(),
  nickname: text.optional(),
  product: text.optional(),
  product_data: z.strictObject(productFields).optional(),
  recurring: z
    .strictObject({
      interval: z.enum(['day', 'week', 'month', 'year']),
      interval_count: whole.optional(),
      usage_type: ignored.optional(),
    })
    .optional(),
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
  unit_amount: whole,
});

export const priceRoutes: Route[] = [
  route('POST', '/v1/prices', create, (params, { world }) => {
    if (!params.product && !params.product_data) {
      throw ApiError.invalid(
        'You must specify either `product` or `product_data` when creating a price.',
        'product',
        'parameter_missing',
      );
    }
    return createPrice(world, params);
  }),
  route(
    'GET',
    '/v1/prices',
    z.strictObject({
      ...paging,
      active: flag.optional(),
      product: text.optional(),
      currency: currency.optional(),
      lookup_keys: z.array(text).optional(),
      type: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/prices',
        where(
          world.tables.prices.newest(),
          (price) =>
            (params.active === undefined || price.active === params.active) &&
            (params.product === undefined || price.product === params.product) &&
            (params.currency === undefined || price.currency === params.currency) &&
            (params.type === undefined || price.type === params.type) &&
            (params.lookup_keys === undefined || params.lookup_keys.includes(price.lookup_key ?? '')),
        ),
        params,
      ),
  ),
  route('GET', '/v1/prices/:id', z.strictObject({}), (_params, { world, id }) => findPrice(world, id)),
];

/** @param id Stripe makes ids up itself; the sandbox lets its configuration choose them */
export function createPrice(world: World, given: z.output<typeof create>, id?: string): StoredPrice {
  const product = given.product
    ? found(world.tables.products.get(given.product), 'product', given.product, 'product')
    : createProduct(world, given.product_data ?? { name: 'Produit' });
  const { recurring } = given;
  const price: StoredPrice = {
    id: id ?? `price_1${world.ids.text(23)}`,
    object: 'price',
    active: given.active ?? true,
    billing_scheme: 'per_unit',
    created: world.clock.now,
    currency: given.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: given.lookup_key ?? null,
    metadata: mergeMetadata({}, given.metadata),
    nickname: given.nickname ?? null,
    product: product.id,
    recurring: recurring
      ? {
          interval: recurring.interval,
          interval_count: recurring.interval_count ?? 1,
          meter: null,
          trial_period_days: null,
          usage_type: 'licensed',
        }
      : null,
    tax_behavior: given.tax_behavior ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: recurring ? 'recurring' : 'one_time',
    unit_amount: given.unit_amount,
    unit_amount_decimal: decimalOf(given.unit_amount),
  };
  world.tables.prices.insert(price);
  emit(world, 'price.created', price);
  return price;
}
