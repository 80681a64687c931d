import Router from '@koa/router';
import type { Middleware } from 'koa';
import { HttpError } from '../shared/errors.ts';
import { requireInternalKey } from '../shared/http/internal-key.ts';
import type { Bus } from './bus.ts';
import type { Hub } from './hub.ts';
import { parseBroadcast, parseUserId, parseUserIds, readJson } from './internal-body.ts';
import type { Limits } from './limits.ts';
import type { Presence } from './presence.ts';

export type InternalRoutesDeps = {
  /** Several while the key is being rotated. */
  internalKeys: readonly string[];
  hub: Hub;
  bus: Bus;
  presence: Presence;
  limits: Limits;
};

const PREFIX = '/api/internal';

/** What other Matcha services ask the gateway, behind `X-Internal-Key`. */
export function internalRoutes({ internalKeys, hub, bus, presence, limits }: InternalRoutesDeps): Middleware {
  const guard = requireInternalKey(internalKeys, 'the gateway');
  const router = new Router({ prefix: PREFIX });

  router.post('/websocket/broadcast', async (ctx) => {
    const idempotencyKey = parseIdempotencyKey(ctx.req.headers['idempotency-key']);
    const { address, frame } = parseBroadcast(await readJson(ctx.req, limits.maxInternalBodyBytes));
    const outcome = await bus.publish({ address, frame }, idempotencyKey);
    ctx.body = outcome === 'duplicate' ? { success: true, duplicate: true } : { success: true };
  });

  router.get('/websocket/stats', (ctx) => {
    ctx.body = {
      success: true,
      data: { ...hub.stats(), process_id: presence.processId, subscribed: bus.subscribed },
    };
  });

  router.get('/users/:id/online-status', async (ctx) => {
    const userId = parseUserId(ctx.params.id);
    const online = await presence.online([userId]);
    ctx.body = { success: true, data: { user_id: userId, online: online.has(userId) } };
  });

  router.post('/users/online-status/bulk', async (ctx) => {
    const userIds = parseUserIds(await readJson(ctx.req, limits.maxInternalBodyBytes), limits.maxBulkUsers);
    const online = await presence.online(userIds);
    ctx.body = {
      success: true,
      data: Object.fromEntries(userIds.map((userId) => [userId, online.has(userId)])),
    };
  });

  router.get('/health', (ctx) => {
    ctx.status = bus.subscribed ? 200 : 503;
    ctx.body = {
      status: bus.subscribed ? 'healthy' : 'unhealthy',
      service: 'gateway',
      redis: bus.subscribed ? 'connected' : 'disconnected',
    };
  });

  const routes = router.routes();
  return (ctx, next) => {
    // Before the routes, so that without the key one does not even learn which of them exist.
    if (ctx.path !== PREFIX && !ctx.path.startsWith(`${PREFIX}/`)) return next();
    return guard(ctx, () => routes(ctx as Parameters<typeof routes>[0], next));
  };
}

function parseIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,200}$/.test(header)) return header;
  throw HttpError.badRequest(
    'invalid_idempotency_key',
    'Idempotency-Key must be 1 to 200 printable characters without spaces',
  );
}
