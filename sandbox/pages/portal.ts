import type Stripe from 'stripe';
import { cancelSubscription, isOver } from '../billing/canceling.ts';
import { findCard } from '../billing/cards.ts';
import { changeCard, changePlan } from '../billing/customer-choices.ts';
import { currentPeriod } from '../billing/subscription-object.ts';
import { cancelFromPortal, keepGoing } from '../billing/updating.ts';
import { formatMoney } from '../money.ts';
import type { StoredCustomer, StoredInvoice, StoredSubscription } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cardChoice } from './card-choice.ts';
import { html, type Markup } from './html.ts';
import { layout, messagePage } from './layout.ts';
import { formOf, redirect, showPage, type Visit } from './page.ts';
import { dateText, invoiceStatus, priceText, subscriptionStatus } from './words.ts';

/** How many invoices the page shows. */
const SHOWN_INVOICES = 12;

/** The page a billing portal session's `url` leads to. */
export async function portalPage(visit: Visit, id: string): Promise<void> {
  const { world, request } = visit;
  const session = world.tables.portalSessions.get(id);
  const customer = session && world.tables.customers.get(session.customer);
  if (!session || !customer || world.tables.deletedCustomers.has(customer.id)) {
    return showPage(visit, messagePage('Page introuvable', 'Cette session n’existe pas ou plus.', null), 404);
  }
  if (request.method !== 'POST') return showPage(visit, renderPortal(world, session, customer));
  act(world, customer, formOf(visit));
  return redirect(visit, session.url);
}

function act(world: World, customer: StoredCustomer, form: URLSearchParams): void {
  const card = findCard(form.get('card') ?? '');
  if (form.get('action') === 'card' && card) {
    changeCard(world, customer, card);
    return;
  }
  const subscription = world.tables.subscriptions.get(form.get('subscription') ?? '');
  if (!subscription || subscription.customer !== customer.id || isOver(subscription)) return;
  const price = world.tables.prices.get(form.get('price') ?? '');
  switch (form.get('action')) {
    case 'cancel':
      cancelFromPortal(world, subscription);
      break;
    case 'cancel-now':
      cancelSubscription(world, subscription, 'cancellation_requested');
      break;
    case 'resume':
      keepGoing(world, subscription);
      break;
    case 'plan':
      if (price?.recurring) changePlan(world, subscription, price, 'create_prorations');
  }
}

function renderPortal(world: World, session: Stripe.BillingPortal.Session, customer: StoredCustomer): string {
  const own = world.tables.subscriptions.filter((each) => each.customer === customer.id).reverse();
  const shown = own.filter((each) => !isOver(each));
  const invoices = [...world.tables.invoices.newest()].filter(
    (each) => each.customer === customer.id && each.status !== 'draft',
  );
  return layout(
    'Mon abonnement',
    html`${session.return_url && html`<p><a class="back" href="${session.return_url}" data-testid="portal-return">← Revenir à Matcha</a></p>`}
<div class="columns">
<div>
<section class="card">
<h1>Mon abonnement</h1>
<p class="muted small">${customer.email ?? ''}</p>
${(shown.length > 0 ? shown : own.slice(0, 1)).map((each) => subscriptionBlock(world, each))}
${own.length === 0 && html`<p data-testid="portal-empty">Vous n’avez pas d’abonnement.</p>`}
</section>
<section class="card">
<h2>Factures</h2>
${invoices.length === 0 && html`<p class="muted">Aucune facture.</p>`}
<ul class="rows">${invoices.slice(0, SHOWN_INVOICES).map(invoiceRow)}</ul>
</section>
</div>
<section class="card">
<h2>Moyen de paiement</h2>
<p data-testid="portal-current-card">${currentCard(world, customer, shown[0])}</p>
<form method="post">
${cardChoice('Nouvelle carte de test', null)}
<button class="quiet" type="submit" name="action" value="card" data-testid="portal-change-card">Utiliser cette carte</button>
</form>
</section>
</div>`,
  );
}

function subscriptionBlock(world: World, subscription: StoredSubscription): Markup {
  const [item] = subscription.items.data;
  const product = item && world.tables.products.get(String(item.price.product));
  const isFine = subscription.status === 'active' || subscription.status === 'trialing';
  return html`<div data-testid="portal-subscription">
<p><strong>${product?.name ?? 'Abonnement'}</strong> <span class="tag ${!isFine && 'bad'}" data-testid="portal-status">${subscriptionStatus(subscription.status)}</span></p>
<p>${item ? priceText(item.price, item.quantity) : ''}</p>
<p class="muted" data-testid="portal-dates">${datesText(subscription)}</p>
${!isOver(subscription) && actions(world, subscription)}
</div>`;
}

function actions(world: World, subscription: StoredSubscription): Markup {
  const isEnding = subscription.cancel_at !== null || subscription.cancel_at_period_end;
  const current = subscription.items.data[0]?.price.id;
  const others = world.tables.prices.filter(
    (price) => price.active && price.recurring !== null && price.id !== current,
  );
  return html`<form method="post">
<input type="hidden" name="subscription" value="${subscription.id}">
<div class="actions">
${
  isEnding
    ? html`<button type="submit" name="action" value="resume" data-testid="portal-resume">Reprendre mon abonnement</button>`
    : html`<button class="quiet" type="submit" name="action" value="cancel" data-testid="portal-cancel">Résilier à la fin de la période</button>`
}
<button class="danger" type="submit" name="action" value="cancel-now" data-testid="portal-cancel-now">Résilier maintenant</button>
</div>
</form>
${
  others.length > 0 &&
  html`<form method="post">
<input type="hidden" name="subscription" value="${subscription.id}">
<div class="field inline" style="margin-top:1rem"><div><label for="price-${subscription.id}">Changer de formule</label><select id="price-${subscription.id}" name="price" data-testid="portal-price">${others.map(
    (price) =>
      html`<option value="${price.id}">${priceText(price)} – ${world.tables.products.get(price.product)?.name ?? ''}</option>`,
  )}</select></div><button class="quiet" type="submit" name="action" value="plan" data-testid="portal-change-plan">Changer</button></div>
</form>`
}`;
}

function datesText(subscription: StoredSubscription): string {
  if (subscription.ended_at !== null) return `Terminé le ${dateText(subscription.ended_at)}.`;
  const { end } = currentPeriod(subscription);
  if (subscription.cancel_at !== null) return `Prend fin le ${dateText(subscription.cancel_at)}.`;
  if (subscription.status === 'trialing') return `Essai gratuit jusqu’au ${dateText(end)}.`;
  return `Renouvellement le ${dateText(end)}.`;
}

function currentCard(
  world: World,
  customer: StoredCustomer,
  subscription: StoredSubscription | undefined,
): string {
  const id = subscription?.default_payment_method ?? customer.invoice_settings.default_payment_method;
  const method = id ? world.tables.paymentMethods.get(id) : undefined;
  const last4 = method?.card?.last4 ?? method?.sepa_debit?.last4;
  return last4
    ? `${method?.type === 'card' ? 'Carte' : 'Compte'} se terminant par ${last4}`
    : 'Aucun moyen de paiement enregistré.';
}

function invoiceRow(invoice: StoredInvoice): Markup {
  return html`<li data-testid="portal-invoice"><span>${dateText(invoice.created)}<br><a class="small" href="${invoice.hosted_invoice_url ?? ''}">${invoice.number}</a></span><span>${formatMoney(invoice.total, invoice.currency)} <span class="tag ${invoice.status !== 'paid' && 'wait'}">${invoiceStatus(invoice.status)}</span></span></li>`;
}
