import { newWebhookSecret } from './config.ts';
import { createPrice } from './resources/prices.ts';
import { createProduct } from './resources/products.ts';
import { createEndpoint } from './resources/webhook-endpoints.ts';
import type { World } from './world.ts';

/** What exists before the first request: Matcha's two prices and the configured endpoint, which hears only of what follows. */
export function seed(world: World): void {
  seedPrices(world);
  const { webhook } = world.config;
  if (!webhook) return;
  const enabled = {
    url: webhook.url,
    enabled_events: webhook.enabledEvents ?? ['*'],
    api_version: webhook.apiVersion,
  };
  createEndpoint(world, enabled, webhook.secret ?? newWebhookSecret());
}

function seedPrices(world: World): void {
  const { prices } = world.config;
  if (!prices.mensuel && !prices.annuel) return;
  const product = createProduct(world, { name: 'Matcha Premium' }).id;
  if (prices.mensuel) addPrice(world, product, prices.mensuel, 9_99, 'month');
  if (prices.annuel && prices.annuel !== prices.mensuel)
    addPrice(world, product, prices.annuel, 99_99, 'year');
}

function addPrice(
  world: World,
  product: string,
  id: string,
  amount: number,
  interval: 'month' | 'year',
): void {
  createPrice(world, { currency: 'eur', product, recurring: { interval }, unit_amount: amount }, id);
}
