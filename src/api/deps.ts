import type { MikroORM } from '@mikro-orm/postgresql';
import type { Redis } from 'ioredis';
import type Stripe from 'stripe';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { RevocationCheck } from '../shared/login-token.ts';
import type { QueueOf } from '../shared/queues/index.ts';
import type { WebConfig } from './config.ts';

/** What the web process works with; whoever builds the app opens and closes it. */
export type WebDeps = {
  config: WebConfig;
  orm: MikroORM;
  /** Fails fast: a request never waits for a Redis that is away. */
  redis: Redis;
  queues: {
    stripeEvents: QueueOf<'stripe-events'>;
    maintenance: QueueOf<'maintenance'>;
    /** For the board only: the worker fills it. */
    notifications: QueueOf<'notifications'>;
  };
  stripe: Stripe;
  isRevoked: RevocationCheck;
  clock: Clock;
  logger: Logger;
};
