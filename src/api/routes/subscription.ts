import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { User } from '../../shared/entities/index.ts';
import type { Checkout } from '../checkout/index.ts';
import type { WebDeps } from '../deps.ts';
import { answer } from '../envelope.ts';
import { type CostlyCalls, limitByUser } from '../limits/index.ts';
import { readJson, readQuery } from '../request-values.ts';
import { openPortal, returnUrlOf } from '../subscriptions/billing-portal.ts';
import { cancelSubscription } from '../subscriptions/cancel.ts';
import { countingOf, subscriptionsOf } from '../subscriptions/counting.ts';
import { planOf } from '../subscriptions/plan.ts';
import { premiumState, premiumStateAhead } from '../subscriptions/premium-state.ts';
import { subscriptionOfReturn } from '../subscriptions/returned-checkout.ts';
import { viewOfFacts, viewOfRow } from '../subscriptions/view.ts';

type SubscriptionDeps = WebDeps & { checkout: Checkout; user: Middleware; limits: CostlyCalls };

const getQuery = z.object({
  session_id: z
    .string('must be one checkout session id')
    .regex(/^cs_\w{1,250}$/, 'must be a checkout session id')
    .optional(),
});
export const buyBody = z.object({
  plan_type: z.enum(['mensuel', 'annuel'], 'must be "mensuel" or "annuel"'),
});
export const cancelBody = z.object({ at_period_end: z.boolean('must be true or false').default(true) });
const portalQuery = z.object({ return_url: z.string('must be one URL').optional() });

const DATE = new Intl.DateTimeFormat('fr-FR', { dateStyle: 'long', timeZone: 'Europe/Paris' });

/** A user's subscription: what it is, buying it, cancelling it, managing it. */
export function addSubscriptionRoutes(router: Router, deps: SubscriptionDeps): void {
  const { orm, user, checkout, config, clock, limits } = deps;
  const path = '/api/stripe/subscription';

  router.get(path, user, async (ctx) => {
    const { session_id: sessionId } = readQuery(ctx, getQuery);
    if (sessionId !== undefined) await limits.return.require(String(ctx.state.userId));
    const em = orm.em.fork();
    const [premium, rows] = await Promise.all([
      premiumOf(ctx.state.userId),
      subscriptionsOf(em, ctx.state.userId, config.stripe.livemode),
    ]);
    const counting = countingOf(rows);
    const state = premiumState(premium, counting, clock.now());

    const knownIds = new Set(rows.map((row) => row.stripeSubscriptionId));
    const ahead = sessionId && (await subscriptionOfReturn(em, ctx.state.userId, sessionId, knownIds, deps));
    if (ahead) {
      const planType = planOf(ahead.facts, config.stripe.prices);
      const subscription = ahead.shown ? viewOfFacts(ahead.facts, { id: null, planType }) : null;
      return answer(ctx, { ...premiumStateAhead(ahead.facts, state), subscription });
    }
    answer(ctx, { ...state, subscription: counting && viewOfRow(counting) });
  });

  router.get(`${path}/premium-status`, user, async (ctx) => {
    const { is_premium } = premiumState(await premiumOf(ctx.state.userId), null, clock.now());
    answer(ctx, { is_premium });
  });

  router.post(path, user, limitByUser(limits.checkout), async (ctx) => {
    const { plan_type: plan } = await readJson(ctx, buyBody);
    const link = await checkout.forUser(ctx.state.userId, plan);
    answer(ctx, link, 'Session de paiement créée avec succès');
  });

  router.delete(path, user, limitByUser(limits.cancel), async (ctx) => {
    const { at_period_end: atPeriodEnd } = await readJson(ctx, cancelBody);
    const subscription = await cancelSubscription(ctx.state.userId, atPeriodEnd, deps);
    answer(ctx, subscription, cancellationMessage(atPeriodEnd, subscription.current_period_end));
  });

  router.get(`${path}/billing-portal`, user, limitByUser(limits.portal), async (ctx) => {
    const { return_url: asked } = readQuery(ctx, portalQuery);
    const url = await openPortal(orm.em.fork(), ctx.state.userId, returnUrlOf(asked, config), deps);
    answer(ctx, { url });
  });

  async function premiumOf(userId: number): Promise<Date | null> {
    return (await orm.em.fork().findOne(User, userId))?.premium ?? null;
  }
}

function cancellationMessage(atPeriodEnd: boolean, periodEnd: string | null): string {
  if (!atPeriodEnd) return 'Votre abonnement est annulé avec effet immédiat';
  return periodEnd === null
    ? 'Votre abonnement prendra fin à la fin de la période en cours'
    : `Votre abonnement prendra fin le ${DATE.format(new Date(periodEnd))}`;
}
