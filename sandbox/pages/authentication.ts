import { authenticateCheckout } from '../billing/checkout.ts';
import { authenticateInvoice, invoicePaidBy } from '../billing/collecting.ts';
import { authenticateIntent } from '../billing/intents.ts';
import { formatMoney } from '../money.ts';
import type { StoredPaymentIntent } from '../state/tables.ts';
import { followResult } from './checkout.ts';
import { html } from './html.ts';
import { layout, messagePage } from './layout.ts';
import { formOf, redirect, showPage, type Visit } from './page.ts';

/** The bank's page, where the holder of a card authorises or refuses a payment (3D Secure). */
export async function authenticationPage(visit: Visit, id: string): Promise<void> {
  const { world, request } = visit;
  const intent = world.tables.paymentIntents.get(id);
  if (intent?.status !== 'requires_action') {
    return showPage(
      visit,
      messagePage('Rien à confirmer', 'Aucun paiement n’attend votre confirmation ici.', null),
      intent ? 200 : 404,
    );
  }
  if (request.method !== 'POST') return showPage(visit, renderQuestion(intent));
  const accepted = formOf(visit).get('decision') === 'accept';
  const session = world.tables.sessions.find(
    (each) => each.status === 'open' && world.tables.sessionPlans.get(each.id)?.paymentIntent === intent.id,
  );
  if (session) {
    const result = authenticateCheckout(world, session, accepted);
    if (result.outcome === 'declined') return redirect(visit, `${world.baseUrl}/c/pay/${session.id}`);
    return followResult(visit, session, result, null);
  }
  const invoice = invoicePaidBy(world, intent);
  if (invoice) {
    authenticateInvoice(world, invoice, accepted);
    return redirect(visit, `${world.baseUrl}/i/${invoice.id}`);
  }
  const result = authenticateIntent(world, intent, accepted);
  const text = result === 'succeeded' ? 'Le paiement a eu lieu.' : 'Le paiement n’a pas eu lieu.';
  return showPage(visit, messagePage('Réponse transmise', text, null));
}

function renderQuestion(intent: StoredPaymentIntent): string {
  return layout(
    'Authentification',
    html`<section class="card narrow center">
<h1>Confirmez votre paiement</h1>
<p class="muted">Votre banque vous demande d’autoriser ce paiement à Matcha.</p>
<p class="price" data-testid="threeds-amount">${formatMoney(intent.amount, intent.currency)}</p>
<form method="post">
<div class="actions" style="justify-content:center">
<button type="submit" name="decision" value="accept" data-testid="threeds-accept" data-busy-text="Traitement…">Autoriser</button>
<button class="danger" type="submit" name="decision" value="refuse" data-testid="threeds-refuse">Refuser</button>
</div>
</form>
</section>`,
  );
}
