import { z } from 'zod';
import { DAY } from '../config.ts';
import { eventPayload } from '../events/payload.ts';
import { pageOf } from '../http/lists.ts';
import { flag, isWithin, paging, text, times } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredEvent } from '../state/tables.ts';
import type { World } from '../world.ts';
import { found } from './find.ts';

/** Stripe forgets older events. */
const RETENTION = 30 * DAY;

const list = z.strictObject({
  ...paging,
  created: times.optional(),
  delivery_success: flag.optional(),
  type: text.optional(),
  types: z.array(text).max(20).optional(),
});

export const eventRoutes: Route[] = [
  route('GET', '/v1/events', list, (params, { world }) => {
    const page = pageOf('/v1/events', matching(world, params), params);
    return { ...page, data: page.data.map((event) => eventPayload(world, event, world.config.apiVersion)) };
  }),
  route('GET', '/v1/events/:id', z.strictObject({}), (_params, { world, id }) => {
    const event = world.tables.events.get(id);
    const kept =
      event && event.account === null && event.created > world.clock.now - RETENTION ? event : undefined;
    return eventPayload(world, found(kept, 'event', id), world.config.apiVersion);
  }),
];

function* matching(world: World, params: z.output<typeof list>): Generator<StoredEvent> {
  const oldest = world.clock.now - RETENTION;
  const youngest = world.clock.now - world.config.eventsListedAfterSeconds;
  const types = params.types ?? (params.type ? [params.type] : null);
  for (const event of world.tables.events.newest()) {
    // Events come in the order of the clock, so nothing younger follows.
    if (event.created <= oldest) return;
    if (event.created > youngest || event.account !== null) continue;
    if (types && !types.some((type) => matchesType(event.type, type))) continue;
    if (!isWithin(event.created, params.created)) continue;
    if (params.delivery_success === true && (event.undelivered || event.pendingWebhooks > 0)) continue;
    if (params.delivery_success === false && !event.undelivered) continue;
    yield event;
  }
}

/** `customer.*` stands for every type that begins so, `*` for all. */
export function matchesType(type: string, pattern: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}
