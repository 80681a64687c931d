import type { MikroORM } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { QueueOf } from '../shared/queues/index.ts';
import type { WorkerConfig } from './config.ts';
import type { DatabaseGate } from './database-gate.ts';
import { EventApplier } from './events/applier.ts';
import { Catalog } from './events/catalog.ts';
import { createFollow } from './events/follow.ts';
import { queueMessages } from './events/outbox.ts';
import { Maintenance } from './maintenance/maintenance.ts';
import { createPace } from './maintenance/pace.ts';
import { Courier } from './notifications/courier.ts';
import { GatewayClient } from './notifications/gateway-client.ts';
import { Notifier } from './notifications/notifier.ts';

export type CrewDeps = {
  config: WorkerConfig;
  orm: MikroORM;
  /** Absent where no queue needs Stripe. */
  stripe: Stripe | undefined;
  gate: DatabaseGate;
  queues: {
    events: QueueOf<'stripe-events'>;
    notifications: QueueOf<'notifications'>;
    maintenance: QueueOf<'maintenance'>;
  };
  clock: Clock;
  logger: Logger;
};

/** Who does the work of the queues that this process serves; absent is who would have nothing to do. */
export type Crew = {
  bookkeepers: { applier: EventApplier; maintenance: Maintenance } | undefined;
  notifier: Notifier | undefined;
  /** Where the same process writes messages and may deliver them. */
  courier: Courier | undefined;
};

/** Builds the object graph of the configured queues, out of the configuration that those ask for. */
export function createCrew({ config, orm, stripe, gate, queues, clock, logger }: CrewDeps): Crew {
  const { gateway, internalKey, premium, stripe: account, work } = config;
  const crew: Crew = { bookkeepers: undefined, notifier: undefined, courier: undefined };
  if (gateway && internalKey) {
    crew.notifier = new Notifier({
      orm,
      clock,
      logger,
      gateway: new GatewayClient(gateway.url, internalKey.current),
    });
  }
  if (account && premium && stripe) {
    const { notifications } = queues;
    const { notifier } = crew;
    if (notifier) crew.courier = new Courier({ notifier, notifications, most: work.concurrency, logger });
    const { courier } = crew;
    const deps = {
      orm,
      stripe,
      gate,
      clock,
      logger,
      catalog: new Catalog(account.prices),
      policy: premium,
      livemode: account.livemode,
      follow: createFollow({
        orm,
        events: queues.events,
        maintenance: queues.maintenance,
        send: (messages) => courier?.send(messages) ?? queueMessages(notifications, messages),
        logger,
      }),
    };
    const maintenance = new Maintenance({
      ...deps,
      ...queues,
      pace: createPace(account.readsPerSecond),
      retentionDays: work.retentionDays,
      endpointUrl: work.endpointUrl,
    });
    crew.bookkeepers = { applier: new EventApplier(deps), maintenance };
  }
  return crew;
}
