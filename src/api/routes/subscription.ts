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
import { type Cancelled, cancelSubscription } from '../subscriptions/cancel.ts';
import { countingOf, subscriptionsOf } from '../subscriptions/counting.ts';
import { LEAVING_REASONS } from '../subscriptions/leaving.ts';
import { planOf } from '../subscriptions/plan.ts';
import { premiumState, premiumStateAhead } from '../subscriptions/premium-state.ts';
import { resumeSubscription } from '../subscriptions/resume.ts';
import { subscriptionOfReturn } from '../subscriptions/returned-checkout.ts';
import { viewOfFacts, viewOfRow } from '../subscriptions/view.ts';

type SubscriptionDeps = WebDeps & { checkout: Checkout; user: Middleware; limits: CostlyCalls };

/** Of what somebody says when leaving. */
const MAX_COMMENT = 500;

const getQuery = z.object({
  session_id: z
    .string('must be one checkout session id')
    .regex(/^cs_\w{1,250}$/, 'must be a checkout session id')
    .optional(),
});
export const buyBody = z.object({
  plan_type: z.enum(['mensuel', 'annuel'], 'must be "mensuel" or "annuel"'),
});
export const cancelBody = z.object({
  at_period_end: z.boolean('must be true or false').default(true),
  reason: z.enum(LEAVING_REASONS, `must be one of ${LEAVING_REASONS.join(', ')}`).optional(),
  comment: z
    .string('must be text')
    .trim()
    .max(MAX_COMMENT, `must be no longer than ${MAX_COMMENT} characters`)
    .optional(),
});
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
      subscriptionsOf(em, ctx.state.userId),
    ]);
    const counting = countingOf(rows);
    const state = premiumState(premium, counting, clock.now());

    const knownIds = new Set(rows.map((row) => row.stripeSubscriptionId));
    const ahead = sessionId && (await subscriptionOfReturn(em, ctx.state.userId, sessionId, knownIds, deps));
    if (ahead) {
      const planType = planOf(ahead, config.stripe.prices);
      const subscription = viewOfFacts(ahead, { id: null, planType });
      return answer(ctx, { ...premiumStateAhead(ahead, state), subscription });
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
    const { at_period_end: atPeriodEnd, reason, comment } = await readJson(ctx, cancelBody);
    const wish = { atPeriodEnd, reason, comment: comment || undefined };
    const { cancelled, endedUnpaid } = await cancelSubscription(ctx.state.userId, wish, deps);
    answer(ctx, cancelled, cancellationMessage(cancelled, endedUnpaid));
  });

  router.post(`${path}/resume`, user, limitByUser(limits.cancel), async (ctx) => {
    const subscription = await resumeSubscription(ctx.state.userId, deps);
    answer(ctx, subscription, 'Votre abonnement continue');
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

function cancellationMessage(cancelled: Cancelled, endedUnpaid: boolean): string {
  const debit = cancelled.debit_under_way
    ? '. Un prélèvement déjà transmis à votre banque peut encore être débité'
    : '';
  return `${endMessage(cancelled, endedUnpaid)}${debit}`;
}

function endMessage({ cancel_at_period_end: ends, premium_until: end }: Cancelled, unpaid: boolean): string {
  if (unpaid) {
    return "Votre abonnement est annulé avec effet immédiat : la période en cours n'a pas été payée et ne vous sera plus demandée";
  }
  if (!ends) return 'Votre abonnement est annulé avec effet immédiat';
  return end === null
    ? 'Votre abonnement prendra fin à la fin de la période en cours'
    : `Votre abonnement prendra fin le ${DATE.format(new Date(end))}`;
}
