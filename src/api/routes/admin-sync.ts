import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { User } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import type { WebDeps } from '../deps.ts';
import { answer } from '../envelope.ts';
import { requireMaintenance } from '../maintenance.ts';
import { parseUserId } from '../request-values.ts';

type AdminSyncDeps = Pick<WebDeps, 'orm' | 'queues' | 'clock' | 'logger'> & { admin: Middleware };

/** Re-reading payments from Stripe: a job, because an account's history does not fit into a request. */
export function addAdminSyncRoutes(router: Router, { admin, ...deps }: AdminSyncDeps): void {
  router.post('/api/admin/payment/sync', admin, async (ctx) => {
    answer(ctx, { job_id: await requireMaintenance({ task: 'sync-payments', userId: null }, deps) });
  });

  router.post('/api/admin/payment/sync/:user_id', admin, async (ctx) => {
    const userId = parseUserId(ctx.params.user_id);
    if ((await deps.orm.em.fork().count(User, { id: userId })) === 0) {
      throw HttpError.notFound('user_not_found', `There is no user ${userId}`);
    }
    answer(ctx, { job_id: await requireMaintenance({ task: 'sync-payments', userId }, deps) });
  });
}
