import type { Router } from '@koa/router';
import { z } from 'zod';
import type { Checkout } from '../checkout/index.ts';
import { answer } from '../envelope.ts';
import { hangUpOf } from '../hang-up.ts';
import type { CostlyCalls } from '../limits/index.ts';
import { type LoginDeps, optionalUserOf } from '../middleware/require-user.ts';
import { readJson } from '../request-values.ts';

export const checkoutBody = z.object({
  plan: z.enum(['mensuel', 'annuel'], 'must be "mensuel" or "annuel"'),
  /** What the page got from the challenge, where guests have to solve one. */
  challenge: z.string().max(4_096).optional(),
});

/** The public way to Checkout: for a user when the token says so, else for a guest. */
export function addCheckoutRoutes(
  router: Router,
  { checkout, limits, ...login }: LoginDeps & { checkout: Checkout; limits: CostlyCalls },
): void {
  router.post('/api/stripe/create-checkout-session', async (ctx) => {
    const userId = await optionalUserOf(ctx.req.headers, login);
    ctx.state.userId = userId;
    // Counted once it is a purchase: what another site can make a browser send is none, and uses up nobody's.
    const { plan, challenge } = await readJson(ctx, checkoutBody);
    await (userId === undefined
      ? limits.requireGuest(ctx.req, challenge)
      : limits.checkout.require(String(userId)));
    const link =
      userId === undefined
        ? await checkout.forGuest(plan)
        : await checkout.forUser(userId, plan, hangUpOf(ctx.res));
    answer(ctx, link);
  });
}
