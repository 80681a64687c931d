import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { Customer, User } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import type { WebDeps } from '../deps.ts';
import { answer } from '../envelope.ts';
import { requireMaintenance } from '../maintenance.ts';
import { attentionOf } from '../operator/attention.ts';
import { markDone } from '../operator/attention-done.ts';
import { endBilling } from '../operator/end-billing.ts';
import { parseUserId, readJson } from '../request-values.ts';

type AdminCustomerDeps = Pick<WebDeps, 'orm' | 'stripe' | 'queues' | 'config' | 'clock' | 'logger'> & {
  admin: Middleware;
};

export const linkBody = z.object({
  stripe_customer_id: z.string().regex(/^cus_\w{1,250}$/, 'must be a Stripe customer id (cus_…)'),
  user_id: z.int().positive().max(2_147_483_647),
});

export const doneBody = z.object({
  kind: z.string().min(1).max(50),
  id: z.string().min(1).max(255),
  reason: z.string().trim().min(1).max(1_000),
});

/** What only a person can decide: whose payment it is, and when billing ends for good. */
export function addAdminCustomerRoutes(router: Router, { admin, ...deps }: AdminCustomerDeps): void {
  router.get('/api/admin/attention', admin, async (ctx) => {
    answer(ctx, await attentionOf(deps));
  });

  router.post('/api/admin/attention/done', admin, async (ctx) => {
    answer(ctx, await markDone(await readJson(ctx, doneBody), deps));
  });

  router.post('/api/admin/customer/link', admin, async (ctx) => {
    const { stripe_customer_id: stripeCustomerId, user_id: userId } = await readJson(ctx, linkBody);
    const em = deps.orm.em.fork();
    if ((await em.count(User, { id: userId })) === 0) {
      throw HttpError.notFound('user_not_found', `There is no user ${userId}`);
    }
    const owner = (await em.findOne(Customer, { stripeCustomerId }))?.userId;
    if (owner != null && owner !== userId) {
      throw HttpError.conflict('customer_taken', `${stripeCustomerId} already belongs to user ${owner}`);
    }
    const job = { task: 'link-customer', stripeCustomerId, userId } as const;
    answer(ctx, { job_id: await requireMaintenance(job, deps) });
  });

  router.delete('/api/admin/user/:id/billing', admin, async (ctx) => {
    answer(ctx, await endBilling(parseUserId(ctx.params.id), deps));
  });
}
