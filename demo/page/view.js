/** Puts what we know on the page. Data only ever becomes text, never markup. */
import { clock, day, moment, money, percent } from './format.js';

const MAX_NOTICES = 50;
const PLANS = { mensuel: 'mensuelle', annuel: 'annuelle' };
const STATES = { succeeded: 'Réussi', pending: 'En attente', failed: 'Échoué', canceled: 'Annulé' };
const METHODS = { card: 'Carte', sepa_debit: 'Prélèvement SEPA', paypal: 'PayPal', link: 'Link' };
const LIVE = { open: 'En direct', connecting: 'Connexion…', closed: 'Hors ligne' };
const KINDS = {
  premium_activated: 'good',
  payment_succeeded: 'good',
  premium_cancelled: 'neutral',
  payment_refunded: 'neutral',
  payment_pending: 'neutral',
  trial_ending: 'neutral',
  payment_failed: 'bad',
  payment_action_required: 'bad',
  error: 'bad',
};

export function $(testId) {
  return document.querySelector(`[data-testid="${testId}"]`);
}

export function showLogin(user) {
  $('login-state').textContent = user ? `Bonjour ${user.username}` : 'Non connecté';
  $('login').hidden = Boolean(user);
  $('logout').hidden = !user;
  if (!user) showSubscription(undefined);
}

export function showLive(state) {
  const status = $('live-status');
  status.dataset.state = state;
  status.textContent = LIVE[state];
}

export function showSubscription(state) {
  const badge = $('premium-badge');
  const premium = Boolean(state?.is_premium);
  badge.dataset.premium = String(premium);
  badge.textContent = premium ? '★ Premium actif' : 'Compte gratuit';
  $('subscription-summary').textContent = summary(state);
  const current = state?.subscription;
  const live = Boolean(current) && !['canceled', 'inactive'].includes(current.status);
  $('subscription-actions').hidden = !current;
  $('cancel-at-period-end').disabled = !live || current.cancel_at_period_end;
  $('cancel-now').disabled = !live;
  for (const button of document.querySelectorAll('button[data-plan]')) button.disabled = live;
}

function summary(state) {
  if (!state) return 'Connectez-vous pour voir votre abonnement.';
  const { subscription, premium_until: until } = state;
  if (!subscription) return 'Vous n’avez pas encore d’abonnement.';
  const plan = `Formule ${PLANS[subscription.plan_type] ?? subscription.plan_type}`;
  if (!state.is_premium) return `${plan}, terminée.`;
  if (subscription.cancel_at_period_end || subscription.status === 'canceled') {
    return `${plan}, annulée : premium jusqu’au ${day(until ?? subscription.current_period_end)}.`;
  }
  if (subscription.status === 'past_due') return `${plan}, en attente de paiement.`;
  return `${plan}, renouvelée le ${day(subscription.current_period_end)}.`;
}

export function showPayments({ payments }, stats) {
  $('payment-history').tBodies[0].replaceChildren(...payments.map(paymentRow));
  $('payment-empty').hidden = payments.length > 0;
  $('stat-total').textContent = String(stats.total_payments);
  $('stat-rate').textContent = stats.total_payments > 0 ? percent(stats.success_rate) : '–';
  $('stat-paid').textContent = paid(stats);
}

function paid(stats) {
  const currencies = Object.entries(stats.by_currency ?? {});
  const amounts = currencies.map(([currency, value]) => money(amountOf(value), currency));
  return amounts.join(' + ') || '–';
}

function amountOf(value) {
  return typeof value === 'number' ? value : (value.total_amount_paid ?? 0);
}

function paymentRow(payment) {
  const row = document.createElement('tr');
  row.dataset.testid = 'payment';
  row.dataset.status = payment.status;
  const state = STATES[payment.status] ?? payment.status;
  row.append(
    cell(moment(payment.created_at)),
    cell(money(payment.amount, payment.currency)),
    cell(METHODS[payment.payment_method_type] ?? payment.payment_method_type ?? '–'),
    cell(payment.failure_reason ? `${state} : ${payment.failure_reason}` : state),
  );
  return row;
}

function cell(text) {
  const cell = document.createElement('td');
  cell.textContent = text;
  return cell;
}

/** Adds a line to the feed. @param {string} type the message's, or `error` @param {{ message?: string }} data */
export function addNotice(type, data) {
  const item = document.createElement('li');
  item.dataset.testid = 'notice';
  item.dataset.type = type;
  item.className = KINDS[type] ?? 'neutral';
  const time = document.createElement('time');
  time.textContent = clock(new Date());
  const text = document.createElement('span');
  text.textContent = [data.message ?? type, ...details(data)].join(' · ');
  item.append(time, text);
  if (isWebAddress(data.url)) item.append(link(data.url));
  const list = $('notices');
  list.prepend(item);
  while (list.children.length > MAX_NOTICES) list.lastElementChild.remove();
  $('notices-empty').hidden = true;
}

function details({ amount, currency, end_date: end, reason, days_left: daysLeft, next_attempt: next }) {
  return [
    typeof amount === 'number' && currency ? money(amount, currency) : '',
    reason ?? '',
    end ? `jusqu’au ${day(end)}` : '',
    next ? `nouvel essai le ${day(next)}` : '',
    typeof daysLeft === 'number' ? `${daysLeft} jour${daysLeft > 1 ? 's' : ''}` : '',
  ].filter(Boolean);
}

function isWebAddress(url) {
  return typeof url === 'string' && /^https?:\/\//.test(url);
}

function link(url) {
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.textContent = 'Confirmer';
  return anchor;
}
