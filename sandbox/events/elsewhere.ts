import type { StoredEvent } from '../state/tables.ts';
import type { World } from '../world.ts';

/** What Stripe's ids look like, those of events aside. */
const IDS = /\b(cus|sub|si|in|il|inpay|pi|ch|re|du|cs_test|pm|price|prod)_(\w+)/g;

/** Lets an event happen a second time on a connected account: every object in it has an id of its own there. */
export function repeatElsewhere(world: World, like: StoredEvent, account: string): StoredEvent {
  const event: StoredEvent = {
    ...like,
    id: `evt_1${world.ids.text(23)}`,
    created: world.clock.now,
    account,
    pendingWebhooks: 0,
    undelivered: false,
    data: new Map(
      [...like.data].map(([version, data]) => [
        version,
        JSON.parse(JSON.stringify(data).replace(IDS, '$1_elsewhere$2')),
      ]),
    ),
  };
  world.tables.events.insert(event);
  world.onEvent(event);
  return event;
}
