import type { Router } from '@koa/router';
import { pingDatabase } from '../../shared/database/index.ts';
import { succeeds, writeToRedis } from '../../shared/health-check.ts';
import type { WebDeps } from '../deps.ts';

const SERVICE = 'paiements-service';

type HealthDeps = Pick<WebDeps, 'orm' | 'redis' | 'config' | 'logger'>;

/** What balancers and orchestrators ask. No envelope: they read the status and these exact fields. */
export function addHealthRoutes(router: Router, deps: HealthDeps): void {
  const { orm, redis, config, logger } = deps;

  router.get('/health', async (ctx) => {
    const [database, cache] = await Promise.all([
      works('database', () => pingDatabase(orm)),
      works('redis', () => redis.ping()),
    ]);
    ctx.status = database && cache ? 200 : 503;
    ctx.body = {
      status: database && cache ? 'healthy' : 'unhealthy',
      service: SERVICE,
      database: database ? 'connected' : 'disconnected',
      redis: cache ? 'connected' : 'disconnected',
    };
  });

  router.get('/health/ready', async (ctx) => {
    const [database, cache] = await Promise.all([
      works('database', () => pingDatabase(orm)),
      works('redis', () => writeToRedis(redis, config.redis.queuePrefix)),
    ]);
    const { mensuel, annuel } = config.stripe.prices;
    const stripeConfig = mensuel !== '' && annuel !== '';
    const ready = database && cache && stripeConfig;
    ctx.status = ready ? 200 : 503;
    ctx.body = { ready, checks: { database, redis: cache, stripe_config: stripeConfig } };
  });

  router.get('/health/live', (ctx) => {
    ctx.body = { alive: true, service: SERVICE };
  });

  function works(what: string, check: () => Promise<unknown>): Promise<boolean> {
    return succeeds(what, check, logger);
  }
}
