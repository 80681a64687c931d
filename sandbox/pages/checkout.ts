import { findCard } from '../billing/cards.ts';
import {
  applyPromotion,
  type CheckoutResult,
  dueOf,
  needsCard,
  planOf,
  submitCheckout,
  totalsOf,
} from '../billing/checkout.ts';
import { DAY } from '../config.ts';
import { formatMoney } from '../money.ts';
import type { StoredSession } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cardChoice } from './card-choice.ts';
import { html, type Markup } from './html.ts';
import { layout, messagePage } from './layout.ts';
import { formOf, redirect, showPage, type Visit } from './page.ts';
import { declineText, priceText } from './words.ts';

/** The page a Checkout Session's `url` leads to. */
export async function checkoutPage(visit: Visit, id: string): Promise<void> {
  const { world, request } = visit;
  const session = world.tables.sessions.get(id);
  if (!session)
    return showPage(
      visit,
      messagePage('Page introuvable', 'Cette session de paiement n’existe pas.', null),
      404,
    );
  if (session.status === 'complete') return redirect(visit, successUrl(session));
  if (session.status === 'expired') {
    const link = session.cancel_url ? { href: session.cancel_url, label: 'Retour à Matcha' } : null;
    return showPage(
      visit,
      messagePage('Session expirée', 'Cette session de paiement a expiré. Recommencez depuis Matcha.', link),
      410,
    );
  }
  if (request.method !== 'POST') return showPage(visit, renderCheckout(world, session, null, null));
  const form = formOf(visit);
  if (form.get('action') === 'promo') {
    const refusal = applyPromotion(world, session, form.get('promo') ?? '');
    return showPage(visit, renderCheckout(world, session, refusal, form), refusal ? 422 : 200);
  }
  const result = submitCheckout(world, session, {
    card: findCard(form.get('card') ?? '') ?? null,
    email: form.get('email') ?? undefined,
    promo: form.get('promo') || undefined,
  });
  return followResult(visit, session, result, form);
}

/** Where a browser goes after an attempt to pay. */
export async function followResult(
  visit: Visit,
  session: StoredSession,
  result: CheckoutResult,
  form: URLSearchParams | null,
): Promise<void> {
  const { world, deliveries } = visit;
  switch (result.outcome) {
    case 'complete':
      // As Stripe does: the shop should know of the purchase before its customer comes back.
      await deliveries.delivered(result.event, world.config.deliveries.checkoutWaitMs);
      return redirect(visit, successUrl(session));
    case 'requires_action':
      return redirect(visit, result.url);
    case 'declined':
      return showPage(visit, renderCheckout(world, session, null, form), 402);
    case 'invalid':
      return showPage(visit, renderCheckout(world, session, result.message, form), 422);
  }
}

function renderCheckout(
  world: World,
  session: StoredSession,
  problem: string | null,
  form: URLSearchParams | null,
): string {
  const plan = planOf(world, session);
  const totals = totalsOf(world, plan);
  const currency = session.currency ?? 'eur';
  const [item] = plan.items;
  const name = item ? (world.tables.products.get(item.price.product)?.name ?? '') : '';
  const trialDays = plan.trialSeconds === null ? null : Math.round(plan.trialSeconds / DAY);
  const hasTrial = plan.trialSeconds !== null || plan.trialEnd !== null;
  const error = problem ?? (plan.lastError ? declineText(plan.lastError.code) : null);
  const due = dueOf(world, session, plan);
  const toPay = formatMoney(due, currency);
  return layout(
    `Paiement – ${name}`,
    html`<div class="columns">
<section class="card" aria-label="Votre commande">
<p class="muted">S’abonner à</p>
<h1 data-testid="checkout-plan">${name}</h1>
<p class="price" data-testid="checkout-amount">${item ? priceText(item.price, item.quantity) : toPay}</p>
${hasTrial && html`<p class="note">${trialDays === null ? 'Essai gratuit' : `${trialDays} jours gratuits`}, puis ${item ? priceText(item.price, item.quantity) : ''}.</p>`}
<ul class="rows">
${plan.items.map(
  ({ price, quantity }) =>
    html`<li><span>${world.tables.products.get(price.product)?.name ?? price.id} × ${quantity}${hasTrial && ' (après l’essai)'}</span><span>${formatMoney((price.unit_amount ?? 0) * quantity, price.currency)}</span></li>`,
)}
${totals.discount > 0 && html`<li data-testid="checkout-discount"><span>Réduction</span><span>−${formatMoney(totals.discount, currency)}</span></li>`}
${plan.taxed && html`<li data-testid="checkout-tax"><span>TVA (${world.config.billing.taxPercent} %)</span><span>${formatMoney(totals.tax, currency)}</span></li>`}
${due < totals.total && html`<li><span>Votre crédit</span><span>−${formatMoney(totals.total - due, currency)}</span></li>`}
<li class="total"><span>À payer aujourd’hui</span><span data-testid="checkout-total">${toPay}</span></li>
</ul>
</section>
<section class="card">
<h2>Vos informations</h2>
${error && html`<p class="alert" role="alert" data-testid="checkout-error">${error}</p>`}
<form method="post" novalidate>
${emailField(world, session, form)}
${needsCard(world, session, plan) && cardChoice('Moyen de paiement de test', form?.get('card') ?? null)}
${session.allow_promotion_codes && promoField(plan.discount !== null)}
<button class="wide" type="submit" name="action" value="pay" data-testid="checkout-pay" data-busy-text="Traitement…">${payLabel(hasTrial, due, toPay)}</button>
</form>
${session.cancel_url && html`<p class="center"><a class="back" href="${session.cancel_url}" data-testid="checkout-cancel">Abandonner et revenir à Matcha</a></p>`}
</section>
</div>`,
  );
}

function emailField(world: World, session: StoredSession, form: URLSearchParams | null): Markup {
  const known = session.customer
    ? (world.tables.customers.get(session.customer)?.email ?? '')
    : session.customer_email;
  if (known !== null) {
    return html`<div class="field"><label for="email">Adresse e-mail</label><input id="email" type="email" value="${known}" readonly data-testid="checkout-email"></div>`;
  }
  return html`<div class="field"><label for="email">Adresse e-mail</label><input id="email" name="email" type="email" autocomplete="email" required placeholder="vous@exemple.fr" value="${form?.get('email') ?? ''}" data-testid="checkout-email"></div>`;
}

function promoField(applied: boolean): Markup {
  if (applied) return html`<p class="note" data-testid="checkout-promo-applied">Code promo appliqué.</p>`;
  return html`<div class="field inline"><div><label for="promo">Code promo</label><input id="promo" name="promo" type="text" autocomplete="off" data-testid="checkout-promo"></div><button class="quiet" type="submit" name="action" value="promo" data-testid="checkout-apply-promo">Appliquer</button></div>`;
}

function payLabel(hasTrial: boolean, total: number, text: string): string {
  if (hasTrial) return 'Commencer l’essai';
  return total === 0 ? 'S’abonner' : `Payer ${text}`;
}

function successUrl(session: StoredSession): string {
  return (session.success_url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}
