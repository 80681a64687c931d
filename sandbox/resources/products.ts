import type Stripe from 'stripe';
import { z } from 'zod';
import { emit } from '../events/emit.ts';
import { pageOf, where } from '../http/lists.ts';
import { flag, ignored, metadata, paging, text } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { World } from '../world.ts';
import { found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

export const productFields = {
  id: text.optional(),
  name: text,
  active: flag.optional(),
  description: text.optional(),
  metadata: metadata.optional(),
  tax_code: ignored.optional(),
  statement_descriptor: ignored.optional(),
  unit_label: ignored.optional(),
  images: ignored.optional(),
  url: ignored.optional(),
};
const create = z.strictObject(productFields);

export const productRoutes: Route[] = [
  route('POST', '/v1/products', create, (params, { world }) => createProduct(world, params)),
  route('GET', '/v1/products', z.strictObject({ ...paging, active: flag.optional() }), (params, { world }) =>
    pageOf(
      '/v1/products',
      where(
        world.tables.products.newest(),
        (each) => params.active === undefined || each.active === params.active,
      ),
      params,
    ),
  ),
  route('GET', '/v1/products/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.products.get(id), 'product', id),
  ),
];

export function createProduct(world: World, given: z.output<typeof create>): Stripe.Product {
  const product: Stripe.Product = {
    id: given.id ?? world.ids.next('prod'),
    object: 'product',
    active: given.active ?? true,
    created: world.clock.now,
    default_price: null,
    description: given.description ?? null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: mergeMetadata({}, given.metadata),
    name: given.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: null,
    updated: world.clock.now,
    url: null,
  };
  world.tables.products.insert(product);
  emit(world, 'product.created', product);
  return product;
}
