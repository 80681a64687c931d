import type Stripe from 'stripe';
import { NEWEST_VERSION } from '../config.ts';
import { embedded } from '../http/lists.ts';
import { previousAttributes, snapshot } from '../state/snapshot.ts';
import type { StoredEvent } from '../state/tables.ts';
import { renderData } from '../versions/render.ts';
import type { World } from '../world.ts';

/** The object that events of this type carry, by the SDK's own declaration. */
export type ObjectOf<T extends Stripe.Event['type']> = Extract<Stripe.Event, { type: T }>['data']['object'];

/**
 * Records an event with the object as it is now, in every API version somebody listens at,
 * and has it delivered.
 */
export function emit<T extends Stripe.Event['type']>(
  world: World,
  type: T,
  object: ObjectOf<T>,
  previous?: Record<string, unknown>,
): StoredEvent {
  return record(world, type, object, previous);
}

function record(
  world: World,
  type: Stripe.Event.Type,
  object: object,
  previous?: Record<string, unknown>,
): StoredEvent {
  const data = {
    object: JSON.parse(JSON.stringify(object, embedded)) as object,
    ...(previous && { previous_attributes: previous }),
  };
  const event: StoredEvent = {
    id: `evt_1${world.ids.text(23)}`,
    type,
    created: world.clock.now,
    request: world.request ?? { id: null, idempotency_key: null },
    pendingWebhooks: 0,
    undelivered: false,
    data: new Map(),
  };
  for (const version of versionsInUse(world)) event.data.set(version, renderData(world, data, version));
  world.tables.events.insert(event);
  world.onEvent(event);
  return event;
}

/**
 * Changes an object and, if anything really changed, announces it with `previous_attributes`.
 * @returns whether anything changed
 */
export function update<T extends Stripe.Event['type'], O extends ObjectOf<T>>(
  world: World,
  type: T,
  object: O,
  change: (object: O) => void,
): boolean {
  const before = snapshot<object>(object);
  change(object);
  const previous = previousAttributes(before, snapshot<object>(object));
  if (Object.keys(previous).length === 0) return false;
  record(world, type, object, previous);
  return true;
}

function versionsInUse(world: World): Set<string> {
  // The newest shape is what any other version can be made from later.
  const versions = new Set([NEWEST_VERSION, world.config.apiVersion]);
  for (const endpoint of world.tables.webhookEndpoints.newest()) {
    if (endpoint.status === 'enabled' && endpoint.api_version) versions.add(endpoint.api_version);
  }
  return versions;
}
