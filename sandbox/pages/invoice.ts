import { findCard } from '../billing/cards.ts';
import { collect, intentOf } from '../billing/collecting.ts';
import { attach, createPaymentMethod } from '../billing/payment-methods.ts';
import { formatMoney } from '../money.ts';
import type { StoredInvoice } from '../state/tables.ts';
import type { World } from '../world.ts';
import { cardChoice } from './card-choice.ts';
import { html, type Markup } from './html.ts';
import { layout, messagePage } from './layout.ts';
import { formOf, redirect, showPage, type Visit } from './page.ts';
import { dateText, declineText, invoiceStatus } from './words.ts';

/** The page a `hosted_invoice_url` leads to. */
export async function invoicePage(visit: Visit, id: string): Promise<void> {
  const { world, request } = visit;
  const invoice = world.tables.invoices.get(id);
  if (!invoice || invoice.status === 'draft') {
    return showPage(visit, messagePage('Page introuvable', 'Cette facture n’existe pas.', null), 404);
  }
  if (request.method !== 'POST' || invoice.status !== 'open')
    return showPage(visit, renderInvoice(world, invoice));
  const card = findCard(formOf(visit).get('card') ?? '');
  const method = card ? createPaymentMethod(world, card, invoice.customer_email) : undefined;
  if (method) attach(world, method, invoice.customer);
  const result = collect(world, invoice, 'present', method);
  if (result === 'requires_action') return redirect(visit, authenticationUrl(world, invoice));
  return showPage(visit, renderInvoice(world, invoice), result === 'failed' ? 402 : 200);
}

function renderInvoice(world: World, invoice: StoredInvoice): string {
  const tone = invoice.status === 'paid' ? '' : invoice.status === 'open' ? 'wait' : 'bad';
  return layout(
    `Facture ${invoice.number ?? ''}`,
    html`<section class="card narrow">
<p class="muted">Facture ${invoice.number} du ${dateText(invoice.created)}</p>
<p class="price" data-testid="invoice-amount">${formatMoney(invoice.total, invoice.currency)}</p>
<p><span class="tag ${tone}" data-testid="invoice-status">${invoiceStatus(invoice.status)}</span></p>
<ul class="rows">
${invoice.lines.data.map(
  (line) =>
    html`<li><span>${line.description}<br><span class="muted small">${dateText(line.period.start)} – ${dateText(line.period.end)}</span></span><span>${formatMoney(line.amount, line.currency)}</span></li>`,
)}
<li class="total"><span>Reste à payer</span><span>${formatMoney(invoice.amount_remaining, invoice.currency)}</span></li>
</ul>
</section>
${invoice.status === 'open' && payment(world, invoice)}`,
  );
}

function payment(world: World, invoice: StoredInvoice): Markup {
  const intent = intentOf(world, invoice);
  const error = intent?.last_payment_error ?? null;
  if (intent?.status === 'processing') {
    return html`<section class="card narrow"><p class="note">Le prélèvement est en cours.</p></section>`;
  }
  return html`<section class="card narrow">
<h2>Régler cette facture</h2>
${error && html`<p class="alert" role="alert" data-testid="invoice-error">${declineText(error.decline_code ?? error.code ?? '')}</p>`}
${
  intent?.status === 'requires_action' &&
  html`<p class="note">Votre banque attend votre confirmation.</p><p><a class="button" href="${authenticationUrl(world, invoice)}" data-testid="invoice-authenticate">Confirmer le paiement</a></p>`
}
<form method="post">
${cardChoice('Moyen de paiement de test', null)}
<button class="wide" type="submit" data-testid="invoice-pay" data-busy-text="Traitement…">Payer ${formatMoney(invoice.amount_remaining, invoice.currency)}</button>
</form>
</section>`;
}

function authenticationUrl(world: World, invoice: StoredInvoice): string {
  return intentOf(world, invoice)?.next_action?.redirect_to_url?.url ?? `${world.baseUrl}/i/${invoice.id}`;
}
