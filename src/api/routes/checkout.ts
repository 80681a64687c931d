import type { Router } from '@koa/router';
import { z } from 'zod';
import type { Checkout } from '../checkout/index.ts';
import { answer } from '../envelope.ts';
import type { CostlyCalls } from '../limits/index.ts';
import { type LoginDeps, optionalUserOf } from '../middleware/require-user.ts';
import { readJson } from '../request-values.ts';

export const checkoutBody = z.object({
  plan: z.enum(['mensuel', 'annuel'], 'must be "mensuel" or "annuel"'),
});

/** The public way to Checkout: for a user when the token says so, else for a guest. */
export function addCheckoutRoutes(
  router: Router,
  { checkout, limits, ...login }: LoginDeps & { checkout: Checkout; limits: CostlyCalls },
): void {
  router.post('/api/stripe/create-checkout-session', async (ctx) => {
    const userId = await optionalUserOf(ctx.req.headers, login);
    ctx.state.userId = userId;
    await (userId === undefined ? limits.requireGuest(ctx.req) : limits.checkout.require(String(userId)));
    const { plan } = await readJson(ctx, checkoutBody);
    answer(ctx, userId === undefined ? await checkout.forGuest(plan) : await checkout.forUser(userId, plan));
  });
}
