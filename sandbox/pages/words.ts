import type Stripe from 'stripe';
import { formatMoney } from '../money.ts';

const DECLINES: Record<string, string> = {
  insufficient_funds: 'Votre carte n’a pas de provision suffisante.',
  lost_card: 'Cette carte a été déclarée perdue.',
  expired_card: 'Votre carte a expiré.',
  incorrect_cvc: 'Le code de sécurité de votre carte est erroné.',
  payment_intent_authentication_failure:
    'Votre banque n’a pas pu vous authentifier : le paiement n’a pas eu lieu.',
};

/** Why a payment was refused, for the customer. */
export function declineText(code: string): string {
  return `${DECLINES[code] ?? 'Votre carte a été refusée.'} Essayez un autre moyen de paiement.`;
}

const SUBSCRIPTION_STATUS: Record<string, string> = {
  active: 'Actif',
  trialing: 'Période d’essai',
  past_due: 'Paiement en retard',
  unpaid: 'Impayé',
  canceled: 'Résilié',
  incomplete: 'En attente de paiement',
  incomplete_expired: 'Expiré',
  paused: 'En pause',
};

export function subscriptionStatus(status: string): string {
  return SUBSCRIPTION_STATUS[status] ?? status;
}

const INVOICE_STATUS: Record<string, string> = {
  draft: 'Brouillon',
  open: 'À payer',
  paid: 'Payée',
  uncollectible: 'Irrécouvrable',
  void: 'Annulée',
};

export function invoiceStatus(status: string | null): string {
  return status ? (INVOICE_STATUS[status] ?? status) : '';
}

const INTERVALS: Record<string, [string, string]> = {
  day: ['jour', 'jours'],
  week: ['semaine', 'semaines'],
  month: ['mois', 'mois'],
  year: ['an', 'ans'],
};

/** `par mois`, `tous les 3 mois`. */
export function rhythm(recurring: Stripe.Price.Recurring | null): string {
  if (!recurring) return '';
  const [one, many] = INTERVALS[recurring.interval] ?? [recurring.interval, recurring.interval];
  return recurring.interval_count === 1 ? `par ${one}` : `tous les ${recurring.interval_count} ${many}`;
}

/** `9,99 € par mois`. */
export function priceText(price: Stripe.Price, quantity = 1): string {
  return `${formatMoney((price.unit_amount ?? 0) * quantity, price.currency)} ${rhythm(price.recurring)}`;
}

/** @param unix seconds; @returns `22 novembre 2026` */
export function dateText(unix: number): string {
  return new Date(unix * 1000).toLocaleDateString('fr-FR', { dateStyle: 'long', timeZone: 'UTC' });
}
