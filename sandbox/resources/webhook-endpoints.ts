import type Stripe from 'stripe';
import { z } from 'zod';
import { newWebhookSecret } from '../config.ts';
import { pageOf } from '../http/lists.ts';
import { flag, ignored, metadata, paging, text, unsettable } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { World } from '../world.ts';
import { found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const url = z.url({ error: 'Invalid URL' }).max(2048);

const create = z.strictObject({
  url,
  enabled_events: z.array(text).min(1),
  api_version: text.optional(),
  connect: ignored.optional(),
  description: unsettable(text).optional(),
  metadata: metadata.optional(),
});
const change = z.strictObject({
  url: url.optional(),
  enabled_events: z.array(text).min(1).optional(),
  description: unsettable(text).optional(),
  disabled: flag.optional(),
  metadata: metadata.optional(),
});

export const webhookEndpointRoutes: Route[] = [
  route('POST', '/v1/webhook_endpoints', create, (params, { world }) => {
    const secret = newWebhookSecret();
    // Stripe shows the secret only here.
    return { ...createEndpoint(world, params, secret), secret };
  }),
  route('GET', '/v1/webhook_endpoints', z.strictObject(paging), (params, { world }) =>
    pageOf('/v1/webhook_endpoints', world.tables.webhookEndpoints.newest(), params),
  ),
  route('GET', '/v1/webhook_endpoints/:id', z.strictObject({}), (_params, { world, id }) =>
    findEndpoint(world, id),
  ),
  route('POST', '/v1/webhook_endpoints/:id', change, (params, { world, id }) => {
    const endpoint = findEndpoint(world, id);
    if (params.url !== undefined) endpoint.url = params.url;
    if (params.enabled_events) endpoint.enabled_events = params.enabled_events;
    if (params.description !== undefined) endpoint.description = params.description;
    if (params.disabled !== undefined) endpoint.status = params.disabled ? 'disabled' : 'enabled';
    endpoint.metadata = mergeMetadata(endpoint.metadata, params.metadata);
    return endpoint;
  }),
  route('DELETE', '/v1/webhook_endpoints/:id', z.strictObject({}), (_params, { world, id }) => {
    findEndpoint(world, id);
    world.tables.webhookEndpoints.delete(id);
    world.tables.endpointSecrets.delete(id);
    return { id, object: 'webhook_endpoint', deleted: true };
  }),
];

/** Adds an endpoint whose events are signed with the given secret. */
export function createEndpoint(
  world: World,
  given: z.output<typeof create>,
  secret: string,
): Stripe.WebhookEndpoint {
  const endpoint: Stripe.WebhookEndpoint = {
    id: `we_1${world.ids.text(23)}`,
    object: 'webhook_endpoint',
    api_version: given.api_version ?? null,
    application: null,
    created: world.clock.now,
    description: given.description ?? null,
    enabled_events: given.enabled_events,
    livemode: false,
    metadata: mergeMetadata({}, given.metadata),
    status: 'enabled',
    url: given.url,
  };
  world.tables.endpointSecrets.set(endpoint.id, secret);
  return world.tables.webhookEndpoints.insert(endpoint);
}

function findEndpoint(world: World, id: string): Stripe.WebhookEndpoint {
  return found(world.tables.webhookEndpoints.get(id), 'webhook endpoint', id);
}
