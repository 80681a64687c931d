import { hostname } from 'node:os';
import type { Router } from '@koa/router';
import { SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import { withDeadline } from '../deadline.ts';
import type { WebDeps } from '../deps.ts';

const SERVICE = 'paiements-service';
const CHECK_TIMEOUT_MS = 2 * SECOND;
const PROBE_KEY_SECONDS = 60;

type HealthDeps = Pick<WebDeps, 'orm' | 'redis' | 'config' | 'logger'>;

/** What balancers and orchestrators ask. No envelope: they read the status and these exact fields. */
export function addHealthRoutes(router: Router, deps: HealthDeps): void {
  const { orm, redis, config, logger } = deps;

  router.get('/health', async (ctx) => {
    const [database, cache] = await Promise.all([works('database', pingDatabase), works('redis', pingRedis)]);
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
      works('database', pingDatabase),
      works('redis', writeToRedis),
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

  async function works(what: string, check: () => Promise<unknown>): Promise<boolean> {
    try {
      await withDeadline(check(), CHECK_TIMEOUT_MS, `Checking ${what}`);
      return true;
    } catch (thrown) {
      logger.warn({ err: toError(thrown), check: what }, `Health check of ${what} failed`);
      return false;
    }
  }

  function pingDatabase(): Promise<unknown> {
    return orm.em.fork().execute('select 1');
  }

  function pingRedis(): Promise<unknown> {
    return redis.ping();
  }

  /** A Redis that is full or has become a replica still answers PING, but takes no jobs. */
  function writeToRedis(): Promise<unknown> {
    const key = `${config.redis.queuePrefix}:ready:${hostname()}`;
    return redis.set(key, new Date().toISOString(), 'EX', PROBE_KEY_SECONDS);
  }
}
