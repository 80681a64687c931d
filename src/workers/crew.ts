import type { MikroORM } from '@mikro-orm/postgresql';
import type { Redis } from 'ioredis';
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
import { Backlog } from './notifications/backlog.ts';
import { Courier } from './notifications/courier.ts';
import { GatewayClient } from './notifications/gateway-client.ts';
import { GatewayLine } from './notifications/gateway-line.ts';
import { Notifier } from './notifications/notifier.ts';
import { Ration } from './notifications/ration.ts';

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
  /** Waits while Redis is away. */
  patientRedis: Redis;
  /** Fails while Redis is away. */
  failFastRedis: Redis;
  clock: Clock;
  logger: Logger;
};

/** Who does the work of the queues that this process serves; absent is who would have nothing to do. */
export type Crew = {
  bookkeepers: { applier: EventApplier; maintenance: Maintenance } | undefined;
  backlog: Backlog | undefined;
  /** Where the same process writes messages and may deliver them. */
  courier: Courier | undefined;
};

/** Builds the object graph of the configured queues, out of the configuration that those ask for. */
export function createCrew(given: CrewDeps): Crew {
  const { config, orm, stripe, gate, queues, clock, logger } = given;
  const { gateway, internalKey, premium, stripe: account, work } = config;
  const crew: Crew = { bookkeepers: undefined, backlog: undefined, courier: undefined };
  const { notifications } = queues;
  const prefix = config.redis.queuePrefix;
  const ration = new Ration({ redis: given.failFastRedis, prefix, logger });
  let notifier: Notifier | undefined;
  if (gateway && internalKey) {
    const client = new GatewayClient(gateway.url, internalKey.current);
    notifier = new Notifier({
      orm,
      clock,
      logger,
      gateway: client,
      line: new GatewayLine({ ration, logger }),
    });
    crew.backlog = new Backlog({ orm, notifier, notifications, redis: given.patientRedis, prefix, logger });
  }
  if (account && premium && stripe) {
    if (notifier) {
      crew.courier = new Courier({ orm, notifier, notifications, ration, most: work.concurrency, logger });
    }
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
