import { NEWEST_VERSION } from '../config.ts';
import type { StoredEvent } from '../state/tables.ts';
import { renderData } from '../versions/render.ts';
import type { World } from '../world.ts';

/**
 * The event's JSON at an API version. Data comes as it was rendered when the event happened;
 * only a version nobody used then is made up from the newest one.
 */
export function eventPayload(world: World, event: StoredEvent, version: string): object {
  let data = event.data.get(version);
  if (!data) {
    data = renderData(world, event.data.get(NEWEST_VERSION) ?? { object: {} }, version);
    event.data.set(version, data);
  }
  return {
    id: event.id,
    object: 'event',
    ...(event.account === null ? {} : { account: event.account, context: event.account }),
    api_version: version,
    created: event.created,
    data,
    livemode: false,
    pending_webhooks: event.pendingWebhooks,
    request: event.request,
    type: event.type,
  };
}
